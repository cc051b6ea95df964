/** A real coturn on loopback with a shared secret, for tests of relayed viewers. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '../../scripts/tool-path.ts';

export const turnServerPath = findTool('turnserver');

export interface TurnServer extends AsyncDisposable {
  /** `turn:127.0.0.1:PORT?transport=udp` */
  url: string;
  port: number;
  secret: string;
  /** What it has logged so far. */
  log(): string;
}

const RELAY_PORTS = 200;

export interface TurnServerOptions {
  /** Which peers it relays to, as flags; default: this machine. */
  peers?: readonly string[];
  /** Addresses that it relays from. */
  relays?: readonly string[];
}

export async function startTurnServer({
  peers = ['--allow-loopback-peers'],
  relays = ['127.0.0.1'],
}: TurnServerOptions = {}): Promise<TurnServer> {
  if (turnServerPath === undefined) throw new Error('no turnserver: run `node scripts/find-test-tools.ts --install`');
  const port = await freeUdpPort();
  const secret = 'a secret that only tests know';
  const folder = await mkdtemp(join(tmpdir(), 'turn-'));
  const minPort = 20_000 + Math.floor(Math.random() * 20_000);
  // prettier-ignore
  const options = [
    ...(peers.includes('-c') ? [] : ['-n']), ...peers, '--no-cli', '--no-tls', '--no-dtls', '--realm=glimpse', '--use-auth-secret', `--static-auth-secret=${secret}`,
    '--listening-ip=127.0.0.1', ...relays.map((ip) => `--relay-ip=${ip}`), `--listening-port=${port}`,
    `--min-port=${minPort}`, `--max-port=${minPort + RELAY_PORTS}`, '--log-file=stdout', '--simple-log', '--verbose',
    `--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'db')}`,
  ];
  const child = spawn(turnServerPath, options, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const onText = (text: Buffer): void => {
      log += text.toString();
      if (/UDP listener opened|listener opened on.*UDP|IPv4\. UDP/i.test(log)) resolve();
    };
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    void exited.then(() => reject(new Error(`turnserver ended:\n${log}`)));
  });
  return {
    url: `turn:127.0.0.1:${port}?transport=udp`,
    port,
    secret,
    log: () => log,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freeUdpPort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
