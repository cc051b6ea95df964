/**
 * Detects another flow that keeps the queue filled (a long TCP transfer), where reducing our rate would starve us. It
 * then controls the rate by loss as TCP does: one packet more per round trip, a fifth less on loss. The arrival rate
 * shows whether the path is ours alone: our own queue is served at full capacity at any send rate, a shared one in
 * proportion to our input. Regular dips of the rate repeat that test; the mode ends once the queue has been empty.
 */

/** Net time under pressure that starts the mode. It ends after as much time without, at most the second. */
const ENTER_MS = 2_500;
const PRESSURE_MAX_MS = 6_000;
/** Pressure counts only below this share of the best rate; the best rate decays by this per second. */
const PUSHED_BELOW = 0.8;
const BEST_FADES = 0.02;
/** Starts at this share of the best rate, since the rate is already reduced. Alone, this still drains the queue. */
const ENTER_SHARE = 0.6;
/** At most this many times the current rate: the path may have become narrower. */
const ENTER_RISE = 4;
/** Drain speed above which the queue is ours alone, and below which our last cut has not taken effect. */
const ALONE = 1.3;
const UNANSWERED = 0.7;
/** While competing, evidence that the path is ours alone weighs 12×: a dip is half a second in three. */
const ALONE_WEIGHT = 12;
/** The dip: its interval, length and share of the rate. */
const DIP_EVERY_MS = 3_000;
const DIP_FOR_MS = 500;
const DIP_SHARE = 0.6;
/** Share kept on loss, at most once a round trip. CUBIC keeps 0.7; our losses are fewer packets and reported later. */
const LOSS_SHARE = 0.8;
/** Limits of the round trip in which the rate grows by a packet. Longer ones are queue, which CUBIC ignores too. */
const RTT_MIN_MS = 50;
const RTT_MAX_MS = 300;
const STEP_MAX_MS = 250;

export interface CompetitionInput {
  nowUs: number;
  /** There is a queue that delay control would reduce the rate for. */
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

  /** Minimum rate to send; undefined while no other flow competes. */
  get floorBps(): number | undefined {
    return this.#floorBps;
  }

  /** Share of the rate to send now. */
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

  /** Lowers the floor after losses. */
  scale(factor: number): void {
    if (this.#floorBps !== undefined) this.#floorBps *= factor;
  }

  reset(): void {
    this.#floorBps = undefined;
    this.#pressureMs = 0;
  }

  /** Accumulates the time for which another flow has filled the queue. */
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
