/**
 * Groups packets that were sent together, and compares each group with the previous one: by how much its arrival took
 * longer than its sending. After draft-ietf-rmcat-gcc-02 section 5.2 and libwebrtc's inter-arrival stage.
 */

/** Packets sent within this of a group's first packet belong to it. */
const GROUP_LENGTH_US = 5_000;
/** Packets that a radio or scheduler held back and released together form one group, up to this length. */
const BURST_GAP_US = 5_000;
const BURST_MAX_US = 100_000;
const REORDERINGS_MAX = 3;
/** A larger step means that the receiver's clock jumped: earlier packets do not compare. */
const CLOCK_JUMP_US = 3_000_000;

export interface GroupDelta {
  sendDeltaUs: number;
  arrivalDeltaUs: number;
  /** Arrival of the later group's last packet, receiver's clock. */
  arrivedAtUs: number;
}

interface Group {
  firstSentUs: number;
  lastSentUs: number;
  firstArrivedUs: number;
  lastArrivedUs: number;
}

export class ArrivalGroups {
  #current: Group | undefined;
  #previous: Group | undefined;
  #reorderings = 0;

  /** Takes one received packet, in order of arrival; returns a delta each time a group is complete. */
  add(sentUs: number, arrivedUs: number): GroupDelta | undefined {
    const current = this.#current;
    if (!current) {
      this.#current = groupOf(sentUs, arrivedUs);
      return undefined;
    }
    if (sentUs < current.firstSentUs) return undefined;
    if (joins(current, sentUs, arrivedUs)) {
      current.lastSentUs = Math.max(current.lastSentUs, sentUs);
      current.lastArrivedUs = arrivedUs;
      return undefined;
    }
    const delta = this.#compare(current);
    if (this.#current) this.#previous = current;
    this.#current = groupOf(sentUs, arrivedUs);
    return delta;
  }

  reset(): void {
    this.#current = undefined;
    this.#previous = undefined;
    this.#reorderings = 0;
  }

  #compare(current: Group): GroupDelta | undefined {
    const previous = this.#previous;
    if (!previous) return undefined;
    const arrivalDeltaUs = current.lastArrivedUs - previous.lastArrivedUs;
    if (Math.abs(arrivalDeltaUs) >= CLOCK_JUMP_US) {
      this.reset();
      return undefined;
    }
    if (arrivalDeltaUs < 0) {
      this.#reorderings += 1;
      if (this.#reorderings >= REORDERINGS_MAX) this.reset();
      return undefined;
    }
    this.#reorderings = 0;
    return {
      sendDeltaUs: current.lastSentUs - previous.lastSentUs,
      arrivalDeltaUs,
      arrivedAtUs: current.lastArrivedUs,
    };
  }
}

const groupOf = (sentUs: number, arrivedUs: number): Group => ({
  firstSentUs: sentUs,
  lastSentUs: sentUs,
  firstArrivedUs: arrivedUs,
  lastArrivedUs: arrivedUs,
});

function joins(group: Group, sentUs: number, arrivedUs: number): boolean {
  if (sentUs - group.firstSentUs <= GROUP_LENGTH_US) return true;
  const arrivalDeltaUs = arrivedUs - group.lastArrivedUs;
  const propagationDeltaUs = arrivalDeltaUs - (sentUs - group.lastSentUs);
  return propagationDeltaUs < 0 && arrivalDeltaUs <= BURST_GAP_US && arrivedUs - group.firstArrivedUs < BURST_MAX_US;
}
