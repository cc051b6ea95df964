/**
 * The workers as a gateway sees them: their beats, what this gateway has asked of each since, and who is not trusted for
 * a while. Chooses among them.
 */
import { every, type Clock } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import { Emitter } from '../../../events.ts';
import type { Log } from '../../../log.ts';
import type { Tier } from '../../../picture/tiers.ts';
import type { Bus } from '../bus.ts';
import { choose, type Candidate, type Need } from '../choice/choose.ts';
import { Members } from '../choice/members.ts';
import { BEAT_MS } from '../choice/presence.ts';
import { decodeMessage, encodeMessage } from '../wire/envelope.ts';
import { beatSchema, type Beat } from '../wire/messages.ts';
import type { Subjects } from '../wire/subjects.ts';

export interface WorkersEvents {
  joined: [id: string];
  gone: [id: string];
  /** After each look at the beats, twice a beat. */
  swept: [];
}

export interface WorkersOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  log: Log;
}

/** Nodes with a failure that are remembered. */
const DISTRUSTED_MAX = 1_024;

export class Workers implements Disposable {
  readonly events = new Emitter<WorkersEvents>();
  readonly #options: WorkersOptions;
  readonly #members = new Members();
  /** Compute time asked of a worker and not delivered, ms; and what of it the last beat knew. */
  readonly #asked = new Map<string, { ms: number; atBeatMs: number }>();
  readonly #distrusted = new Map<string, number>();
  readonly #strangers = new Set<string>();
  readonly #ends: (() => void)[];

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { bus, subjects, clock } = options;
    const timer = every(clock, BEAT_MS / 2, () => this.#sweep(), { background: true });
    this.#ends = [
      () => timer.close(),
      bus.subscribe(subjects.allBeats, ({ data, subject }) => this.#onBeat(data, subject)),
      bus.events.on('up', () => {
        this.#members.restart(clock.nowUs());
        this.#callRoll();
      }),
    ];
    this.#callRoll();
  }

  get all(): readonly Beat[] {
    return this.#members.all;
  }

  /** Workers of the pack that take jobs now. */
  readyOf(pack: string): number {
    if (!this.#options.bus.connected) return 0;
    return this.all.filter((beat) => beat.pack === pack && beat.state === 'ready').length;
  }

  get(id: string): Beat | undefined {
    return this.#members.get(id);
  }

  /** The best worker for a slice that starts at `tier`; undefined if none may take it. */
  choose(tier: Tier, need: Need): Candidate | undefined {
    if (!this.#options.bus.connected) return undefined;
    const candidates = this.#candidates(tier);
    const excluded = new Set([...need.excluded, ...this.#untrusted()]);
    const id = choose(candidates, { ...need, excluded });
    // Better one that failed a moment ago than none.
    const chosen = id ?? choose(candidates, need);
    return candidates.find((candidate) => candidate.id === chosen);
  }

  /** A worker of the pack without anything to do, other than those excluded. */
  idle(tier: Tier, need: Need): Candidate | undefined {
    const idle = this.#candidates(tier).filter(({ backlogMs, jobs }) => backlogMs === 0 && jobs === 0);
    const excluded = new Set([...need.excluded, ...this.#untrusted()]);
    const id = choose(idle, { ...need, excluded });
    return idle.find((candidate) => candidate.id === id);
  }

  /** Counts work that is asked of a worker, until the result is disposed of. */
  ask(id: string, costMs: number): Disposable {
    const asked = this.#asked.get(id) ?? { ms: 0, atBeatMs: 0 };
    this.#asked.set(id, asked);
    asked.ms += costMs;
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        asked.ms = Math.max(0, asked.ms - costMs);
        asked.atBeatMs = Math.min(asked.atBeatMs, asked.ms);
      },
    };
  }

  /** Nothing listens at a worker's subject: it has left without a word. */
  forget(id: string): void {
    if (!this.get(id)) return;
    this.#members.forget(id);
    this.#asked.delete(id);
    this.events.emit('gone', id);
  }

  /** Leaves a worker out for a while. */
  distrust(id: string, ms: number): void {
    if (this.#distrusted.size < DISTRUSTED_MAX) this.#distrusted.set(id, this.#options.clock.nowUs() + ms * 1_000);
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end();
    this.events.clear();
  }

  /** Asks every worker for a beat now, instead of waiting for the next. */
  #callRoll(): void {
    const { bus, subjects } = this.#options;
    bus.publish(subjects.roll, encodeMessage({ type: 'roll' }));
  }

  #candidates(tier: Tier): Candidate[] {
    return this.all.map(({ id, pack, state, jobs, jobsMax, backlogMs, costsMs }) => {
      const { ms = 0, atBeatMs = 0 } = this.#asked.get(id) ?? {};
      return {
        id,
        pack,
        state,
        jobs,
        jobsMax,
        backlogMs: ms + Math.max(0, backlogMs - atBeatMs),
        costMs: costsMs[tier] ?? 0,
      };
    });
  }

  *#untrusted(): Iterable<string> {
    const nowUs = this.#options.clock.nowUs();
    for (const [id, untilUs] of this.#distrusted) {
      if (untilUs > nowUs) yield id;
      else this.#distrusted.delete(id);
    }
  }

  #onBeat(data: Uint8Array, subject: string): void {
    const { clock, subjects } = this.#options;
    try {
      const { header: beat } = decodeMessage(data, beatSchema);
      // A node may speak only for itself; NATS's permissions hold the subject.
      if (subjects.beat(beat.id) !== subject) return;
      const change = this.#members.take(beat, clock.nowUs());
      if (change === 'stale') return;
      const asked = this.#asked.get(beat.id);
      if (asked) asked.atBeatMs = asked.ms;
      if (change === 'joined') this.events.emit('joined', beat.id);
    } catch (error) {
      this.#onStranger(error, subject);
    }
  }

  /** Said once for each node: its beats come four times a second. */
  #onStranger(error: unknown, subject: string): void {
    if (this.#strangers.has(subject) || this.#strangers.size > DISTRUSTED_MAX) return;
    this.#strangers.add(subject);
    const { code, message } = error instanceof GlimpseError ? error : new GlimpseError('INTERNAL', { cause: error });
    this.#options.log.warn({ code, subject }, `a node of the cluster is left out: ${message}`);
  }

  #sweep(): void {
    const { bus, clock } = this.#options;
    // While the network is away, no beat arrives.
    if (bus.connected) {
      for (const id of this.#members.sweep(clock.nowUs())) {
        this.#asked.delete(id);
        this.events.emit('gone', id);
      }
    }
    this.events.emit('swept');
  }
}
