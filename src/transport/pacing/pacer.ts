/**
 * Spreads packets over time at a multiple of the target rate, most valuable first: keyframe, retransmissions of its
 * packets, other retransmissions, deltas, and filler only inside probes. What is sent makes a debt that time pays off;
 * without debt a packet leaves the moment it comes. Nothing here knows the time or the network: both are handed in.
 *
 * Drop rule: media may wait `LIMITS.pacerQueueMaxMs`. When a delta is older, or deltas are more than that at the pacing
 * rate, all queued deltas go, because each needs the one before it, and further ones are refused until a keyframe comes;
 * `onDrop` tells. Retransmissions that wait as long go too: by then a keyframe mends more. Each of their two queues holds
 * that much at the pacing rate and refuses the newest beyond it, which could only have come too late. A keyframe flushes
 * everything older, and is itself only ever replaced by a newer one.
 */
import type { ProbeRequest } from '../../congestion/bandwidth-estimator.ts';
import { LIMITS } from '../../limits.ts';
import { PacedProbe } from './paced-probe.ts';
import { PacerQueue, type PacedPacket } from './pacer-queue.ts';

export type { PacedPacket } from './pacer-queue.ts';

export interface PacerOptions<Content> {
  /** Bytes that may leave unpaced at the very start; default `INITIAL_WINDOW_BYTES`. */
  initialWindowBytes?: number;
  /** What may leave at once; default `BURST_MS`. */
  burstMs?: number;
  /** @returns bytes on the wire; undefined when there is no path at present: the packet then waits. */
  send(packet: PacedPacket<Content>, nowUs: number, probeId: number | undefined): number | undefined;
  /** Something of about this size to fill a probe with; undefined when there is nothing. */
  filler(sizeBytes: number): PacedPacket<Content> | undefined;
  /** A keyframe is needed: so many frames were dropped, and no delta is taken before it; 0: only retransmissions were. */
  onDrop(frames: number): void;
  /** Each retransmission or queued packet that will not be sent. */
  onDiscard?(packet: PacedPacket<Content>): void;
}

/**
 * What may leave at once: below 5 Mbps a packet. Two that leave together are a queue where the path is narrow, which jitter
 * and delay are then measured by, and an overflow where its queue is short.
 */
export const BURST_MS = 2;
/** A timer that ran late by no more than this is made up for. */
const LATE_MAX_MS = 10;
/**
 * Ten packets, as TCP may send before it has heard anything (RFC 6928): the first keyframe is on screen a round trip
 * sooner, and a path that cannot buffer as much could not carry the web either.
 */
export const INITIAL_WINDOW_BYTES = 10 * 1_200;
/** How soon a missing path is tried again. */
const NO_PATH_RETRY_US = 20_000;
const DEADLINE_US = LIMITS.pacerQueueMaxMs * 1_000;

export class Pacer<Content> {
  readonly #options: PacerOptions<Content>;
  /** In order of priority. */
  readonly #queues = [
    new PacerQueue<Content>(),
    new PacerQueue<Content>(),
    new PacerQueue<Content>(),
    new PacerQueue<Content>(),
  ] as const;
  readonly #burstMs: number;
  #rateBps: number;
  #debtBytes = 0;
  #windowBytes: number;
  #updatedAtUs = 0;
  #needsKeyframe = true;
  #probe: PacedProbe | undefined;

  constructor(rateBps: number, options: PacerOptions<Content>) {
    this.#rateBps = rateBps;
    this.#options = options;
    this.#windowBytes = options.initialWindowBytes ?? INITIAL_WINDOW_BYTES;
    this.#burstMs = options.burstMs ?? BURST_MS;
  }

  /** How long the queue takes at the present rate. */
  get queueMs(): number {
    return this.#msOf(this.#queuedBytes);
  }

  get probing(): boolean {
    return this.#probe !== undefined;
  }

  /** True while part of a keyframe still waits. */
  get holdsKeyframe(): boolean {
    return this.#queues[0].first !== undefined;
  }

  /** Deltas are refused until a keyframe comes. */
  get needsKeyframe(): boolean {
    return this.#needsKeyframe;
  }

  setRate(rateBps: number, nowUs: number): void {
    this.#payOff(nowUs);
    this.#rateBps = rateBps;
  }

  /**
   * Takes the packets of one frame, or retransmissions as far as there is room, and sends what the rate allows at once.
   * @returns false when they were refused: a delta, and its reference is gone.
   */
  enqueue(packets: readonly PacedPacket<Content>[], nowUs: number): boolean {
    this.#payOff(nowUs);
    const kind = packets[0]?.kind;
    if (kind === 'delta' && this.#needsKeyframe) return false;
    if (kind === 'keyframe') {
      for (const queue of this.#queues) this.#clear(queue);
      this.#needsKeyframe = false;
    }
    let refused = 0;
    for (const packet of packets) {
      if (this.#take(packet, nowUs)) continue;
      this.#options.onDiscard?.(packet);
      refused += 1;
    }
    if (refused > 0) this.#options.onDrop(0);
    this.process(nowUs);
    return true;
  }

  /** Sends a cluster for the estimator, out of the queue as far as it reaches and filled up beyond. */
  startProbe(request: ProbeRequest, nowUs: number): void {
    this.#probe = new PacedProbe(request);
    this.process(nowUs);
  }

  /** Sends what is due. `nextUs`: when to call again; undefined: nothing waits. */
  process(nowUs: number): { nextUs: number | undefined } {
    this.#payOff(nowUs);
    this.#dropLate(nowUs);
    if (this.#probe) {
      const nextUs = this.#runProbe(this.#probe, nowUs);
      if (nextUs !== undefined) return { nextUs };
    }
    const burstBytes = this.#bytesOf(this.#burstMs);
    while (this.#debtBytes < burstBytes || this.#windowBytes > 0) {
      const queue = this.#firstQueue();
      if (!queue) return { nextUs: undefined };
      const bytes = this.#sendFirst(queue, nowUs, undefined);
      if (bytes === undefined) return { nextUs: nowUs + NO_PATH_RETRY_US };
      this.#windowBytes -= bytes;
      if (this.#windowBytes < 0) this.#debtBytes += bytes;
    }
    if (!this.#firstQueue()) return { nextUs: undefined };
    return { nextUs: nowUs + (this.#debtBytes * 8_000_000) / this.#rateBps };
  }

  /** @returns false for a retransmission beyond what its queue holds. */
  #take(packet: PacedPacket<Content>, nowUs: number): boolean {
    const queue = this.#queues[priorityOf(packet)];
    const full = packet.kind === 'rtx' && this.#msOf(queue.bytes + packet.sizeBytes) > LIMITS.pacerQueueMaxMs;
    // Even at the lowest rate one may wait: a single packet costs less than a keyframe.
    if (full && queue.first) return false;
    queue.push(packet, nowUs);
    return true;
  }

  /** @returns when its next packet is due; undefined once the cluster is over. */
  #runProbe(probe: PacedProbe, nowUs: number): number | undefined {
    for (;;) {
      const dueUs = probe.dueUs(nowUs);
      if (dueUs === undefined) break;
      if (dueUs > nowUs) return dueUs;
      const queue = this.#firstQueue();
      const filler = queue ? undefined : this.#options.filler(probe.packetBytes);
      const bytes = queue
        ? this.#sendFirst(queue, nowUs, probe.id)
        : filler && this.#options.send(filler, nowUs, probe.id);
      if (bytes === undefined) break;
      probe.sent(bytes, nowUs);
    }
    this.#probe = undefined;
    return undefined;
  }

  #bytesOf(ms: number): number {
    return (this.#rateBps * ms) / 8_000;
  }

  get #queuedBytes(): number {
    const [keyframe, urgent, retransmissions, deltas] = this.#queues;
    return keyframe.bytes + urgent.bytes + retransmissions.bytes + deltas.bytes;
  }

  #msOf(bytes: number): number {
    return (bytes * 8_000) / this.#rateBps;
  }

  #firstQueue(): PacerQueue<Content> | undefined {
    for (const queue of this.#queues) if (queue.first) return queue;
    return undefined;
  }

  #sendFirst(queue: PacerQueue<Content>, nowUs: number, probeId: number | undefined): number | undefined {
    const bytes = this.#options.send(queue.first!, nowUs, probeId);
    if (bytes === undefined) return undefined;
    queue.shift();
    return bytes;
  }

  #payOff(nowUs: number): void {
    const paidBytes = (this.#rateBps * (nowUs - this.#updatedAtUs)) / 8_000_000;
    // While packets wait, a timer that ran late is made up for; an idle path saves nothing.
    const savedBytes = this.#queuedBytes > 0 ? this.#bytesOf(LATE_MAX_MS) : 0;
    this.#debtBytes = Math.max(-savedBytes, this.#debtBytes - paidBytes);
    this.#updatedAtUs = nowUs;
  }

  #dropLate(nowUs: number): void {
    const [, urgent, retransmissions, deltas] = this.#queues;
    if (urgent.waitedUs(nowUs) > DEADLINE_US) this.#giveUp(urgent);
    if (retransmissions.waitedUs(nowUs) > DEADLINE_US) this.#giveUp(retransmissions);
    if (!deltas.first) return;
    if (deltas.waitedUs(nowUs) <= DEADLINE_US && this.#msOf(deltas.bytes) <= LIMITS.pacerQueueMaxMs) return;
    const { frames } = deltas;
    this.#clear(deltas);
    this.#needsKeyframe = true;
    this.#options.onDrop(frames);
  }

  #giveUp(retransmissions: PacerQueue<Content>): void {
    this.#clear(retransmissions);
    this.#options.onDrop(0);
  }

  #clear(queue: PacerQueue<Content>): void {
    for (const packet of queue.clear()) this.#options.onDiscard?.(packet);
  }
}

function priorityOf({ kind, ofKeyframe }: PacedPacket<unknown>): 0 | 1 | 2 | 3 {
  if (kind === 'keyframe') return 0;
  if (kind === 'delta') return 3;
  return ofKeyframe ? 1 : 2;
}
