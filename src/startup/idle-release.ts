/** Gives memory back while nobody is there, in stages: the longer nobody comes, the more of what is kept for viewers. */
import type { CacheSource } from '../metrics/cache-source.ts';

/** Time for what a session, or the start, leaves behind to end: a reader of pictures, a connection that says goodbye. */
const GARBAGE_AFTER_MS = 5_000;

export interface IdleStage {
  /** Without a session for so long, ms. */
  afterMs: number;
  release: () => void;
}

export class IdleRelease implements Disposable {
  readonly #stages: readonly IdleStage[];
  #timers: NodeJS.Timeout[] = [];
  /** Undefined until it is told. */
  #inUse: boolean | undefined;

  constructor(stages: readonly IdleStage[]) {
    this.#stages = stages;
  }

  /** To be told once everything is ready, and whenever the number of sessions changes. */
  onSessions(count: number): void {
    const inUse = count > 0;
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    this.#stop();
    if (!inUse) this.#timers = this.#stages.map(({ afterMs, release }) => setTimeout(release, afterMs).unref());
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}

/** Nobody has been there for seconds, or for `warmIdleMs`: the next viewer waits for the model anyway. */
export type Idleness = 'idle' | 'at rest';

export interface IdleReleaseOptions {
  /** Without a session for so long, ms, the caches let go of what they hold in memory; 0: never. */
  warmIdleMs: number;
  /** Asked then, so that those which come later count too. */
  caches: readonly Pick<CacheSource, 'clear'>[];
  /** Time to collect what has been let go of. */
  onIdle: ((since: Idleness) => void) | undefined;
}

/** The stages of a service. */
export function idleRelease({ warmIdleMs, caches, onIdle }: IdleReleaseOptions): IdleRelease {
  const rest = (): void => {
    for (const cache of caches) cache.clear?.();
    onIdle?.('at rest');
  };
  return new IdleRelease([
    { afterMs: GARBAGE_AFTER_MS, release: () => onIdle?.('idle') },
    ...(warmIdleMs === 0 ? [] : [{ afterMs: warmIdleMs, release: rest }]),
  ]);
}
