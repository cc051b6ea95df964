/**
 * The baseline's inter-arrival stage, as libwebrtc's `InterArrivalDelta`: packets sent within 5 ms, or held back and let
 * go in one burst, form a group; the difference of two groups is what the trendline sees.
 */
const GROUP_US = 5_000;
const BURST_GAP_US = 5_000;
const BURST_MAX_US = 100_000;
const REORDERINGS_MAX = 3;
const CLOCK_JUMP_US = 3_000_000;

interface Group {
  firstSentUs: number;
  sentUs: number;
  firstArrivedUs: number;
  arrivedUs: number;
  /** When feedback about it came, sender's clock. */
  knownUs: number;
}

export interface GroupDelta {
  sendMs: number;
  arrivalMs: number;
}

export class GccArrivalGroups {
  #current: Group | undefined;
  #previous: Group | undefined;
  #reorderings = 0;

  add(sentUs: number, arrivedUs: number, knownUs: number): GroupDelta | undefined {
    const current = this.#current;
    if (!current) {
      this.#begin(sentUs, arrivedUs, knownUs);
      return undefined;
    }
    if (sentUs < current.firstSentUs) return undefined;
    if (belongs(current, sentUs, arrivedUs)) {
      current.sentUs = Math.max(current.sentUs, sentUs);
      current.arrivedUs = Math.max(current.arrivedUs, arrivedUs);
      current.knownUs = knownUs;
      return undefined;
    }
    const delta = this.#previous && this.#difference(this.#previous, current);
    if (this.#current) this.#previous = current;
    this.#begin(sentUs, arrivedUs, knownUs);
    return delta;
  }

  reset(): void {
    this.#current = undefined;
    this.#previous = undefined;
    this.#reorderings = 0;
  }

  #begin(sentUs: number, arrivedUs: number, knownUs: number): void {
    this.#current = { firstSentUs: sentUs, sentUs, firstArrivedUs: arrivedUs, arrivedUs, knownUs };
  }

  #difference(previous: Group, current: Group): GroupDelta | undefined {
    const arrivalUs = current.arrivedUs - previous.arrivedUs;
    if (arrivalUs - (current.knownUs - previous.knownUs) >= CLOCK_JUMP_US) {
      this.reset();
      return undefined;
    }
    if (arrivalUs < 0) {
      this.#reorderings += 1;
      if (this.#reorderings >= REORDERINGS_MAX) this.reset();
      return undefined;
    }
    this.#reorderings = 0;
    return { sendMs: (current.sentUs - previous.sentUs) / 1_000, arrivalMs: arrivalUs / 1_000 };
  }
}

function belongs(group: Group, sentUs: number, arrivedUs: number): boolean {
  const arrivalUs = arrivedUs - group.arrivedUs;
  const propagationUs = arrivalUs - (sentUs - group.sentUs);
  const burst = propagationUs < 0 && arrivalUs <= BURST_GAP_US && arrivedUs - group.firstArrivedUs < BURST_MAX_US;
  return burst || sentUs - group.firstSentUs <= GROUP_US;
}
