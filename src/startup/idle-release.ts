/** Releases memory in stages while no session exists: the longer the service is idle, the more it releases. */
import { systemClock, type Timer } from '../clock.ts';
import type { CacheSource } from '../metrics/cache-source.ts';

/** Delay for work that a session, or the start, leaves behind: picture readers, closing connections. */
const GARBAGE_AFTER_MS = 5_000;

export interface IdleStage {
  /** Time without a session, ms. */
  afterMs: number;
  release: () => void;
}

export class IdleRelease implements Disposable {
  readonly #stages: readonly IdleStage[];
  #timers: Timer[] = [];
  /** Undefined until the first report. */
  #inUse: boolean | undefined;

  constructor(stages: readonly IdleStage[]) {
    this.#stages = stages;
  }

  /** Call once everything is ready, and whenever the number of sessions changes. */
  onSessions(count: number): void {
    const inUse = count > 0;
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    this.#stop();
    if (inUse) return;
    const background = { background: true };
    this.#timers = this.#stages.map(({ afterMs, release }) => systemClock.after(afterMs, release, background));
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) timer.close();
    this.#timers = [];
  }
}

/** `idle`: no session for seconds. `at rest`: none for `warmIdleMs`, so the next viewer waits for the model anyway. */
export type Idleness = 'idle' | 'at rest';

export interface IdleReleaseOptions {
  /** Time without a session after which the caches release their memory, ms; 0: never. */
  warmIdleMs: number;
  /** Read at that time, so that caches added later are included. */
  caches: readonly Pick<CacheSource, 'clear'>[];
  /** Called when it is time to collect garbage. */
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
