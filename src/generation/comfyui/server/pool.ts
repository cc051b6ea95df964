/**
 * Several ComfyUI servers as one. The next prompt goes to the least loaded server that answers; if one fails, another
 * takes over. All servers must have the same nodes and files.
 */
import { every, systemClock, type Timer } from '../../../clock.ts';
import type { Pressure } from '../../engine/memory-pressure.ts';
import type { ComfyClient } from './client.ts';
import { ComfyServer } from './server.ts';
import { kept } from '../../../lifetime/kept-promise.ts';

/** How soon a server that is back gets work again. A server that is down is tried only when no other is left. */
const CHECK_INTERVAL_MS = 2_000;

export interface ComfyPoolOptions {
  /** Closed with the pool; at least one. */
  clients: readonly ComfyClient[];
  checkIntervalMs?: number | undefined;
  /** The fullest server's memory has crossed a limit of memory-pressure.ts. */
  onPressure?: ((pressure: Pressure, ratio: number) => void) | undefined;
}

export class ComfyPool implements AsyncDisposable {
  readonly servers: readonly ComfyServer[];
  readonly #onPressure: ComfyPoolOptions['onPressure'];
  readonly #timer: Timer;
  #checking: Promise<void> | undefined;
  /** The check after the current one, for all who asked since that began. */
  #nextCheck: Promise<void> | undefined;
  #closed = false;
  #change = Promise.withResolvers<void>();

  constructor({ clients, checkIntervalMs = CHECK_INTERVAL_MS, onPressure }: ComfyPoolOptions) {
    this.servers = clients.map((client) => new ComfyServer(client));
    this.#onPressure = onPressure;
    const check = (): void => {
      if (this.#checking === undefined) void this.check();
    };
    this.#timer = every(systemClock, checkIntervalMs, check, { background: true });
  }

  /**
   * The server for the next prompt. A server that is down is better than none: it may be back.
   * @param preferred has the results of an earlier stage
   * @param tried have failed at this prompt
   */
  pick(preferred: ComfyServer | undefined, tried: ReadonlySet<ComfyServer>): ComfyServer | undefined {
    if (preferred?.healthy === true && !tried.has(preferred)) return preferred;
    return this.servers
      .filter((server) => !tried.has(server))
      .toSorted((a, b) => Number(b.healthy) - Number(a.healthy) || a.load - b.load)[0];
  }

  /** Runs `work` at a server, counted as its load. */
  async at<Result>(server: ComfyServer, work: () => Promise<Result>): Promise<Result> {
    server.running += 1;
    try {
      return await work();
    } finally {
      server.running -= 1;
      this.#tell();
    }
  }

  /** Resolves when a server has none of our prompts, or when none answers: then waiting does not help. */
  async whenFree(): Promise<void> {
    const isFree = (): boolean => {
      const healthy = this.servers.filter((server) => server.healthy);
      return healthy.length === 0 || healthy.some(({ running }) => running === 0);
    };
    while (!isFree()) await this.#change.promise;
  }

  /** Asks all servers for their state after this call: answers in progress may be older. Never rejects. */
  check(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#checking === undefined)
      return (this.#checking = kept(this.#check().finally(() => (this.#checking = undefined))));
    this.#nextCheck ??= kept(
      this.#checking.then(() => {
        this.#nextCheck = undefined;
        return this.check();
      }),
    );
    return this.#nextCheck;
  }

  /** Idempotent, never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.close();
    await Promise.all(this.servers.map(({ client }) => client.close()));
    await this.#checking;
    this.#tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #check(): Promise<void> {
    const changes = await Promise.all(this.servers.map((server) => server.check()));
    this.#tell();
    if (!changes.includes(true)) return;
    const [fullest] = this.servers.toSorted((a, b) => b.memoryRatio - a.memoryRatio);
    if (fullest) this.#onPressure?.(fullest.pressure, fullest.memoryRatio);
  }

  #tell(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
