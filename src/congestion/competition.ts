/**
 * Notices that somebody else keeps the queue filled (a long TCP transfer), where giving way only starves us, and then
 * holds a rate by loss as TCP does: a packet more a round trip, a fifth less when packets are lost. Whether we are alone
 * shows in what arrives: our own queue is served at the capacity however little we send, a shared one gives us our share
 * of what goes in. Bounded by that test, which a dip in the rate repeats, and left once the queue has been empty.
 */

/** Net time under pressure until this begins; it ends when as much time without has come in as went out, at most the second. */
const ENTER_MS = 2_500;
const PRESSURE_MAX_MS = 6_000;
/** Pressure counts only when it has taken this from the best rate; the best rate is forgotten by so much a second. */
const PUSHED_BELOW = 0.8;
const BEST_FADES = 0.02;
/** Begins at this share of the best rate: what giving way has cost is not theirs. Alone on the path, this still drains it. */
const ENTER_SHARE = 0.6;
/** But not over so many times the present rate: the path may have become narrower meanwhile. */
const ENTER_RISE = 4;
/** Arriving so much faster than they were sent, the queue is ours alone; so much slower, our last cut has not shown yet. */
const ALONE = 1.3;
const UNANSWERED = 0.7;
/** While it lasts, a moment of that takes back so much more: a dip is half a second in three. */
const ALONE_WEIGHT = 12;
/** The dip: this often, this long, to this share. */
const DIP_EVERY_MS = 3_000;
const DIP_FOR_MS = 500;
const DIP_SHARE = 0.6;
/** On loss, at most once a round trip. CUBIC keeps 0.7 of its window; our losses are fewer packets and later news. */
const LOSS_SHARE = 0.8;
/** Round trips within which the rate grows by a packet. Longer ones are made of queue, which CUBIC does not mind either. */
const RTT_MIN_MS = 50;
const RTT_MAX_MS = 300;
const STEP_MAX_MS = 250;

export interface CompetitionInput {
  nowUs: number;
  /** A queue that delay control gives way to. */
  pressed: boolean;
  clear: boolean;
  /** Packets were lost since the last call. */
  lost: boolean;
  bps: number;
  /** `DrainSpeed.ratio`. */
  drainSpeed: number;
  rttMs: number;
  packetBytes: number;
}

export class Competition {
  #floorBps: number | undefined;
  #pressureMs = 0;
  #bestBps = 0;
  #dipMs = 0;
  #updatedAtUs: number | undefined;
  #lossAtUs = -Infinity;

  /** What to send at least; undefined while nobody competes. */
  get floorBps(): number | undefined {
    return this.#floorBps;
  }

  /** Of the rate: what is sent of it now. */
  get share(): number {
    return this.#floorBps !== undefined && this.#dipMs > DIP_EVERY_MS ? DIP_SHARE : 1;
  }

  /** Call with every feedback. */
  update(input: CompetitionInput): void {
    const { nowUs, bps } = input;
    const elapsedMs = Math.min((nowUs - (this.#updatedAtUs ?? nowUs)) / 1_000, STEP_MAX_MS);
    this.#updatedAtUs = nowUs;
    this.#bestBps = Math.max(bps, this.#bestBps * (1 - (BEST_FADES * elapsedMs) / 1_000));
    this.#weigh(input, elapsedMs);
    if (this.#floorBps === undefined) {
      if (this.#pressureMs < ENTER_MS) return;
      this.#floorBps = Math.max(bps, Math.min(ENTER_SHARE * this.#bestBps, ENTER_RISE * bps));
      this.#dipMs = 0;
    }
    if (this.#pressureMs === 0) {
      this.#floorBps = undefined;
      return;
    }
    this.#dipMs = this.#dipMs > DIP_EVERY_MS + DIP_FOR_MS ? 0 : this.#dipMs + elapsedMs;
    this.#floorBps = this.#move(this.#floorBps, input, elapsedMs);
  }

  /** Losses call for less. */
  scale(factor: number): void {
    if (this.#floorBps !== undefined) this.#floorBps *= factor;
  }

  reset(): void {
    this.#floorBps = undefined;
    this.#pressureMs = 0;
  }

  /** Adds up for how long somebody else has been filling the queue. */
  #weigh({ pressed, clear, bps, drainSpeed }: CompetitionInput, elapsedMs: number): void {
    const alone = drainSpeed > ALONE;
    const held = this.#floorBps !== undefined;
    const pushed = held || (bps < PUSHED_BELOW * this.#bestBps && drainSpeed > UNANSWERED);
    let changeMs = 0;
    if (alone) changeMs = held ? -ALONE_WEIGHT * elapsedMs : -elapsedMs;
    else if (pressed && pushed) changeMs = elapsedMs;
    else if (clear) changeMs = -elapsedMs;
    this.#pressureMs = Math.min(Math.max(this.#pressureMs + changeMs, 0), PRESSURE_MAX_MS);
  }

  #move(floorBps: number, { nowUs, lost, rttMs, packetBytes }: CompetitionInput, elapsedMs: number): number {
    const roundMs = Math.max(rttMs, RTT_MIN_MS);
    if (lost && nowUs - this.#lossAtUs > roundMs * 1_000) {
      this.#lossAtUs = nowUs;
      return LOSS_SHARE * floorBps;
    }
    return floorBps + (packetBytes * 8_000 * elapsedMs) / Math.min(roundMs, RTT_MAX_MS) ** 2;
  }
}
