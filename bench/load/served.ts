/** The service as a user starts it, in a process of its own, watched through its metrics from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** How often Node looks at its event loop; prom-client's default. */
const LOOP_SAMPLING_MS = 10;

/** One scrape: every sample without labels by its name, those with labels summed. */
export type Scrape = Readonly<Record<string, number>>;

export class Served {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #complaints: string[];

  private constructor(child: ChildProcess, url: string, complaints: string[]) {
    this.#child = child;
    this.url = url;
    this.#complaints = complaints;
  }

  /** @param flags of `glimpse serve`, e.g. `['--generator', 'pattern']` */
  static async start(flags: readonly string[]): Promise<Served> {
    const child = spawn(process.execPath, ['src/cli.ts', 'serve', '--port', '0', ...flags], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const complaints: string[] = [];
    child.stderr.on('data', (data) => complaints.push(String(data)));
    let log = '';
    const url = await new Promise<string>((found, failed) => {
      child.stdout.on('data', (data) => {
        log += String(data);
        const ready = log.split('\n').find((line) => line.includes('Glimpse is ready'));
        if (ready?.endsWith('}')) found((JSON.parse(ready) as { url: string }).url);
        for (const line of log.split('\n')) if (/"level":"(error|fatal)"/.test(line)) complaints.push(line);
        log = log.slice(log.lastIndexOf('\n') + 1);
      });
      child.once('exit', (code) => failed(new Error(`the service ended with ${code}: ${complaints.join('')}`)));
    });
    return new Served(child, url, complaints);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Error lines of the log and everything on standard error, so far. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async scrape(): Promise<Scrape> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const sums: Record<string, number> = {};
    for (const line of text.split('\n')) {
      const match = /^([a-z_]\w*)(?:\{[^}]*\})? (\S+)/.exec(line);
      if (match?.[1] !== undefined) sums[match[1]] = (sums[match[1]] ?? 0) + Number(match[2]);
    }
    return sums;
  }

  /** @returns the delay of the event loop, ms: Node's histogram counts the interval too, and is 10 ms on an idle loop */
  static loopLagP99Ms(scrape: Scrape): number {
    return Math.max(0, (scrape['nodejs_eventloop_lag_p99_seconds'] ?? 0) * 1000 - LOOP_SAMPLING_MS);
  }

  /** @returns the exit code after SIGTERM */
  async stop(): Promise<number | null> {
    if (!this.isAlive) return this.#child.exitCode;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
    return this.#child.exitCode;
  }
}
