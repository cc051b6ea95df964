/** The audience of a load test as its suite sees it: viewers opened and closed by number in a process of their own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ReceiverCommand, ReceiverReport } from './receiver-process.ts';

export class Receivers {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  readonly #frames = new Map<number, number>();
  readonly #locations = new Map<number, string>();
  #next = 0;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
    child.on('message', (report: ReceiverReport) => this.#take(report));
  }

  static start(url: string): Receivers {
    const child = fork(fileURLToPath(new URL('./receiver-process.ts', import.meta.url)));
    return new Receivers(child, url);
  }

  /** Numbers of the viewers that are connected, oldest first. */
  get open(): readonly number[] {
    return [...this.#locations.keys()];
  }

  /** Frames that each connected viewer has received, as of its last report. */
  get frames(): ReadonlyMap<number, number> {
    return this.#frames;
  }

  /** The session's own address, for steering it. */
  location(id: number): string {
    return this.#locations.get(id) ?? '';
  }

  /** @returns the viewer's number. @throws Error when the service refuses it or no connection comes up */
  async add(query: Record<string, string>): Promise<number> {
    const id = this.#next++;
    await this.#ask({ type: 'open', id, url: this.#url, query });
    return id;
  }

  async remove(id: number): Promise<void> {
    this.#locations.delete(id);
    this.#frames.delete(id);
    await this.#ask({ type: 'close', id });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #ask(command: ReceiverCommand): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.#waiting.set(command.id, answer);
    this.#child.send(command);
    return answer.promise;
  }

  #take(report: ReceiverReport): void {
    if (report.type === 'frames') {
      for (const [id, frames] of report.counts) if (this.#locations.has(id)) this.#frames.set(id, frames);
      return;
    }
    if (report.type === 'opened') this.#locations.set(report.id, report.location);
    const answer = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.type === 'failed') answer?.reject(new Error(report.why));
    else answer?.resolve();
  }
}
