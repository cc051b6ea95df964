/** A server under test as the suite sees it: started, asked for what it reported since, stopped by its own pid. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ServerReport, ServerSettings } from './server-process.ts';

export class ServerHandle {
  readonly url: string;
  readonly settings: ServerSettings;
  readonly #child: ChildProcess;
  /** Unix ms at which each frame of the test pattern was first ready, by its number. */
  readonly #readyAtMs = new Map<number, number>();
  /** Of some frames, when the settings ask for it. */
  readonly #patches = new Map<number, Uint8Array>();
  readonly #latencies: { name: string; ms: number }[] = [];
  /** Resident memory when the server was ready and nobody watched yet. */
  readonly idleRssBytes: number | undefined;

  constructor(child: ChildProcess, settings: ServerSettings, url: string, idleRssBytes: number | undefined) {
    this.#child = child;
    this.settings = settings;
    this.url = url;
    this.idleRssBytes = idleRssBytes;
    child.on('message', (report: ServerReport) => this.#take(report));
  }

  static async start(settings: ServerSettings): Promise<ServerHandle> {
    const child = fork(fileURLToPath(new URL('./server-process.ts', import.meta.url)), {
      env: { ...process.env, GLIMPSE_BENCH_SERVER: JSON.stringify(settings) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let idleRssBytes: number | undefined;
    const url = await new Promise<string>((resolve, reject) => {
      child.on('message', (report: ServerReport) => {
        if (report.type === 'memory') idleRssBytes ??= report.rssBytes;
        if (report.type === 'listening') resolve(report.url);
      });
      child.once('exit', (code) => reject(new Error(`${settings.side} server exited with ${code} before it listened`)));
    });
    return new ServerHandle(child, settings, url, idleRssBytes);
  }

  readyAtMs(frame: number): number | undefined {
    return this.#readyAtMs.get(frame);
  }

  patch(frame: number): Uint8Array | undefined {
    return this.#patches.get(frame);
  }

  /** Forgets frames: their numbers begin anew with every connection. */
  forgetFrames(): void {
    this.#readyAtMs.clear();
    this.#patches.clear();
  }

  takeLatencies(): { name: string; ms: number }[] {
    return this.#latencies.splice(0);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }

  #take(report: ServerReport): void {
    if (report.type === 'latency') this.#latencies.push(report);
    else if (report.type === 'frame' && !this.#readyAtMs.has(report.frame)) {
      this.#readyAtMs.set(report.frame, report.readyAtMs);
      if (report.patch !== undefined) this.#patches.set(report.frame, Buffer.from(report.patch, 'base64'));
    }
  }
}
