/** A real nginx on loopback with the configuration that docs/deployment.md shows, before a service at another address. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '../../scripts/tool-path.ts';
import { eventually } from './eventually.ts';

export const nginxPath = findTool('nginx');

export interface Nginx extends AsyncDisposable {
  /** e.g. `http://127.0.0.1:1234`; the service is below `/glimpse/`. */
  url: string;
}

/** @param upstream the service's url */
export async function startNginx(upstream: string): Promise<Nginx> {
  if (nginxPath === undefined) throw new Error('no nginx: run `node scripts/find-test-tools.ts --install`');
  const documented = await readFile(join(import.meta.dirname, '../../docs/deployment.md'), 'utf8');
  const location = /```nginx\n(.*?)```/s.exec(documented)?.[1]?.replace('http://127.0.0.1:8080', upstream) ?? '';
  const map = /`(map \$http_upgrade .*?\})`/.exec(documented)?.[1] ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const lines = [
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/pid;`,
    `error_log ${folder}/error.log;`,
    'events { worker_connections 256; }',
    'http {',
    'access_log off;',
    ...temporary.map((name) => `${name}_temp_path ${folder}/${name};`),
    map,
    `server { listen 127.0.0.1:${port}; ${location} }`,
    '}',
  ];
  await writeFile(join(folder, 'nginx.conf'), lines.join('\n'));
  // As root its workers would change to a user who may not enter the folder.
  const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
  const given = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log'), ...user];
  const child = spawn(nginxPath, given, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => void (await fetch(url)));
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
