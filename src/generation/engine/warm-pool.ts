/**
 * Puts unused workflows to rest: those used often stay half-loaded (back in under 100 ms), the others go cold. Use
 * counts have a half-life, so old popularity fades. A workflow is anything that can be activated and put to rest: a
 * model pack.
 */
import type { Clock } from '../../clock.ts';
import type { Activation, ModelMemory } from './model-memory.ts';
import { kept } from '../../lifetime/kept-promise.ts';

export interface WarmPoolOptions {
  clock: Clock;
  /** Workflows that stay half-loaded; the ones used most. */
  warmMax: number;
  /** A workflow rests after this long without use, ms; 0: never. */
  idleMs: number;
  onActivated?: (name: string, activation: Activation) => void;
}

interface Workflow {
  memory: ModelMemory;
  users: number;
  /** Uses, halved every `HALF_LIFE_MS`, as of `sinceMs`. */
  uses: number;
  sinceMs: number;
  timer: NodeJS.Timeout | undefined;
  resting: boolean;
}

const HALF_LIFE_MS = 30 * 60_000;

export class WarmPool implements AsyncDisposable {
  readonly #options: WarmPoolOptions;
  readonly #workflows = new Map<string, Workflow>();
  #moving: Promise<unknown> = Promise.resolve();
  #hits = 0;
  #misses = 0;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
  }

  /** How often a workflow was found in memory, and how often not. */
  get counts(): { hits: number; misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  add(name: string, memory: ModelMemory): void {
    const sinceMs = this.#nowMs;
    this.#workflows.set(name, { memory, users: 0, uses: 0, sinceMs, timer: undefined, resting: false });
  }

  /**
   * A user starts using the workflow. Resolves once it is loaded; `undefined` if it was not at rest.
   * @throws GlimpseError GENERATOR_DOWN, MODEL_INVALID
   */
  async use(name: string): Promise<Activation | undefined> {
    const workflow = this.#workflows.get(name);
    if (!workflow) return undefined;
    clearTimeout(workflow.timer);
    workflow.uses = this.#usesOf(workflow) + 1;
    workflow.sinceMs = this.#nowMs;
    workflow.users += 1;
    if (!workflow.resting) return undefined;
    workflow.resting = false;
    const activation = await this.#inTurn(() => workflow.memory.activate());
    if (activation.hit) this.#hits += 1;
    else this.#misses += 1;
    this.#options.onActivated?.(name, activation);
    return activation;
  }

  /** A user leaves; without users the workflow rests after a while. */
  leave(name: string): void {
    const workflow = this.#workflows.get(name);
    if (!workflow || workflow.users === 0) return;
    workflow.users -= 1;
    const { idleMs } = this.#options;
    if (workflow.users > 0 || idleMs === 0) return;
    workflow.timer = setTimeout(() => void this.rest(name), idleMs).unref();
  }

  /** Puts an unused workflow to rest, and those used less often from half-loaded to cold. Never throws. */
  async rest(name: string): Promise<void> {
    const workflow = this.#workflows.get(name);
    if (!workflow || workflow.users > 0) return;
    workflow.resting = true;
    const resting = [...this.#workflows.values()].filter((other) => other.resting);
    const byUse = resting.toSorted((a, b) => this.#usesOf(b) - this.#usesOf(a));
    for (const [index, { memory }] of byUse.entries()) {
      const to = index < this.#options.warmMax ? 'half-loaded' : 'cold';
      // A thread that has just died holds nothing to put to rest.
      await this.#inTurn(() => memory.rest(to)).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { timer } of this.#workflows.values()) clearTimeout(timer);
    this.#workflows.clear();
    await this.#moving.catch(() => {});
  }

  /** One change after another: resting during activation would leave half of each. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#moving.catch(() => {}).then(change);
    this.#moving = kept(done);
    return done;
  }

  #usesOf({ uses, sinceMs }: Workflow): number {
    return uses * 2 ** (-(this.#nowMs - sinceMs) / HALF_LIFE_MS);
  }

  get #nowMs(): number {
    return this.#options.clock.nowUs() / 1000;
  }
}
