/**
 * Decides which sessions may compute. A session that would make running ones late waits in a bounded FIFO queue: its
 * peer connection stays up and it is told its position. Tier caps are lowered before anyone waits. Load is predicted
 * from costs measured on this machine; it is 0 before the first slices. A tier that does not fit is made fast before it
 * is left out. An unwatched session adds no load: a waiting one keeps its place but is skipped until its viewer is
 * back.
 */
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { loadAt, lowestCaps, shareOut, type LoadModel, type Sharer } from './load-sharing.ts';
import { lowerGrade, tierOfGrade, type Grade } from '../grades.ts';
import type { Tier } from '../../picture/tiers.ts';
import type { WorkCosts } from './work-costs.ts';

/** What admission plans with; `Ticket.update` keeps it current. */
export interface Applicant {
  /** Highest tier it wants. */
  wanted: Tier;
  /** False once nothing is left to compute: a finished clip. Default: true. */
  computing?: boolean;
  /** True for a clip, which needs no more than its lowest tier in time. Default: live. */
  patient?: boolean;
  /** False while its viewers are away and may come back. Default: true. */
  watched?: boolean;
}

export interface AdmissionOptions {
  clock: Clock;
  costs: WorkCosts;
  /** Timeline length of a slice, ms. */
  sliceMs: number;
  /** Share of the generator's time that sessions may need, by prediction. */
  capacity: number;
  /** New sessions wait rather than lower anyone below this tier. */
  lowestTier: Tier;
  /** The generator has a fast variant of `refined`. Default: no. */
  hasFast?: boolean;
  /** Most sessions that may wait; one more is refused. */
  queueMax: number;
  /** The number of waiting sessions changed, for the metrics. */
  onQueue?: (length: number) => void;
}

/** One session's place. */
export interface Ticket {
  readonly admitted: boolean;
  /** 0: admitted; n: the nth in the queue. */
  readonly position: number;
  /** Expected wait, ms; null until a session has ended to estimate it from. */
  readonly waitMs: number | null;
  /** Highest tier it may compute. */
  readonly tierCap: Tier;
  /** The same as a grade, with the variant that there is time for. */
  readonly gradeCap: Grade;
  /** Takes effect at the next review. */
  update(change: Partial<Applicant>): void;
  /** Frees the place. Idempotent. */
  leave(): void;
}

interface Member extends Ticket {
  applicant: Applicant;
  onChange: () => void;
  admitted: boolean;
  position: number;
  waitMs: number | null;
  tierCap: Tier;
  gradeCap: Grade;
  admittedUs: number;
  /** Its cap without the ceiling; undefined until it has one. */
  share: Grade | undefined;
}

/** Weight of the newest stay in the mean. */
const NEWEST_STAY = 0.3;
/** Least time between two reviews of the load. */
const REVIEW_US = 500_000;

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #admitted: Member[] = [];
  readonly #waiting: Member[] = [];
  #meanStayMs: number | undefined;
  #reviewedUs = -Infinity;
  #ceiling: Tier | undefined;
  #machines = 1;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Share of the generator's time that the admitted sessions need, by prediction. */
  get load(): number {
    return this.#sharers().reduce(
      (sum, sharer) => sum + (sharer.current ? loadAt(sharer, sharer.current, this.#model) : 0),
      0,
    );
  }

  /** Machines that compute, each with the capacity of the options: the workers of a cluster. Default 1. */
  set machines(count: number) {
    if (count === this.#machines) return;
    this.#machines = count;
    this.#settle();
  }

  /** Caps all sessions at this tier until it is undefined again: low-memory mode. */
  set ceiling(tier: Tier | undefined) {
    this.#ceiling = tier;
    this.#settle();
  }

  /**
   * Admits a session or queues it.
   * @param onChange called when its position or tier cap has changed
   * @throws GlimpseError SESSION_LIMIT when the queue is full; `retryAfterMs` is the expected wait of its last place
   */
  enter(applicant: Applicant, onChange: () => void): Ticket {
    const { queueMax, lowestTier } = this.#options;
    const member: Member = {
      applicant,
      onChange,
      admitted: false,
      position: 0,
      waitMs: null,
      tierCap: lowestTier,
      gradeCap: lowestTier,
      admittedUs: 0,
      share: undefined,
      update: (change) => {
        member.applicant = { ...member.applicant, ...change };
      },
      leave: () => this.#leave(member),
    };
    if (this.#waiting.some(isWatched) || !this.#admit(member)) {
      if (this.#waiting.length >= queueMax)
        throw new GlimpseError('SESSION_LIMIT', {
          details: { waiting: this.#waiting.length },
          retryAfterMs: this.#waitMs(queueMax) ?? 5_000,
        });
      this.#waiting.push(member);
    }
    this.#settle(member);
    return member;
  }

  /** Reviews load and caps; cheap, call it about once a second. */
  review(): void {
    const nowUs = this.#options.clock.nowUs();
    if (nowUs - this.#reviewedUs < REVIEW_US) return;
    this.#reviewedUs = nowUs;
    this.#settle();
  }

  /** Admits the member if it fits beside those admitted; returns whether it did. */
  #admit(member: Member): boolean {
    const caps = shareOut([...this.#sharers(), sharerOf(member)], this.#model);
    if (caps === undefined) return false;
    member.admitted = true;
    member.admittedUs = this.#options.clock.nowUs();
    this.#admitted.push(member);
    return true;
  }

  #leave(member: Member): void {
    const waitingAt = this.#waiting.indexOf(member);
    const admittedAt = this.#admitted.indexOf(member);
    if (waitingAt < 0 && admittedAt < 0) return;
    if (waitingAt >= 0) this.#waiting.splice(waitingAt, 1);
    if (admittedAt >= 0) {
      this.#admitted.splice(admittedAt, 1);
      const stayMs = (this.#options.clock.nowUs() - member.admittedUs) / 1000;
      this.#meanStayMs = this.#meanStayMs === undefined ? stayMs : mix(this.#meanStayMs, stayMs);
    }
    this.#settle(member);
  }

  /** Admits waiting sessions that fit, shares out tiers, and notifies the sessions that change. */
  #settle(except?: Member): void {
    for (let next = this.#next; next && this.#admit(next); next = this.#next)
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
    const sharers = this.#sharers();
    const caps = shareOut(sharers, this.#model) ?? lowestCaps(sharers, this.#model);
    for (const [index, member] of this.#admitted.entries()) {
      const share = caps[index] ?? this.#options.lowestTier;
      member.share = share;
      const gradeCap = this.#ceiling === undefined ? share : lowerGrade(share, this.#ceiling);
      this.#update(member, { position: 0, waitMs: 0, tierCap: tierOfGrade(gradeCap), gradeCap }, member === except);
    }
    let position = 1;
    for (const member of this.#waiting) {
      this.#update(member, { position, waitMs: this.#waitMs(position) }, member === except);
      if (isWatched(member)) position++;
    }
    this.#options.onQueue?.(this.#waiting.length);
  }

  /** The first waiting session that is watched. */
  get #next(): Member | undefined {
    return this.#waiting.find(isWatched);
  }

  #update(
    member: Member,
    change: Partial<Pick<Member, 'position' | 'waitMs' | 'tierCap' | 'gradeCap'>>,
    quiet: boolean,
  ): void {
    const { position, gradeCap } = member;
    Object.assign(member, change);
    if (!quiet && (member.position !== position || member.gradeCap !== gradeCap)) member.onChange();
  }

  /** Places free up as sessions end: n sessions with the mean stay free one every mean / n. */
  #waitMs(position: number): number | null {
    if (this.#meanStayMs === undefined) return null;
    return Math.round((this.#meanStayMs * position) / Math.max(1, this.#admitted.length));
  }

  #sharers(): Sharer[] {
    return this.#admitted.map((member) => ({ ...sharerOf(member), current: member.share }));
  }

  get #model(): LoadModel {
    const { lowestTier, hasFast = false, costs, sliceMs } = this.#options;
    const capacity = this.#options.capacity * this.#machines;
    return { capacity, lowest: lowestTier, hasFast, loadOf: (cap) => costs.sliceMs(cap) / sliceMs };
  }
}

const isWatched = ({ applicant }: Member): boolean => applicant.watched ?? true;

const sharerOf = (member: Member): Sharer => ({
  wanted: member.applicant.wanted,
  current: undefined,
  computing: isWatched(member) && (member.applicant.computing ?? true),
  patient: member.applicant.patient ?? false,
});

const mix = (before: number, newest: number): number => before + NEWEST_STAY * (newest - before);
