/**
 * Spreads packets over time at a multiple of the target rate, by priority. Sound never waits: its few bytes leave at
 * once, and the rest waits for them. Then: keyframe, retransmissions of its packets,
 * other retransmissions, deltas; padding goes only into probes. Sent bytes are a debt that time pays off; without debt
 * a packet leaves at once. Time and network are arguments.
 *
 * Drop rule: media may wait `LIMITS.pacerQueueMaxMs`. When a delta is older, or the deltas amount to more at the pacing
 * rate, all queued deltas are dropped, because each needs the previous one. Further deltas are refused until a keyframe
 * comes; `onDrop` reports it. Retransmissions that wait as long are dropped too: by then a keyframe repairs more. Each
 * of their two queues holds that much at the pacing rate and refuses more. A keyframe removes everything older, and
 * only a newer keyframe replaces it.
 */
import type { ProbeRequest } from '../../congestion/bandwidth-estimator.ts';
import { LIMITS } from '../../limits.ts';
import { PacedProbe } from './paced-probe.ts';
import { PacerQueue, type PacedPacket } from './pacer-queue.ts';

export type { PacedPacket } from './pacer-queue.ts';

export interface PacerOptions<Content> {
  /** Bytes that may leave unpaced at the start; default `INITIAL_WINDOW_BYTES`. */
  initialWindowBytes?: number;
  /** Amount that may leave at once, ms at the pacing rate; default `BURST_MS`. */
  burstMs?: number;
  /** @returns bytes on the wire; undefined while there is no path: the packet then waits */
  send(packet: PacedPacket<Content>, nowUs: number, probeId: number | undefined): number | undefined;
  /** A packet of about this size to pad a probe with; undefined when there is none. */
  filler(sizeBytes: number): PacedPacket<Content> | undefined;
  /** A keyframe is needed. `frames` were dropped, and deltas wait for it; 0: only retransmissions were dropped. */
  onDrop(frames: number): void;
  /** Called for each retransmission or queued packet that will not be sent. */
  onDiscard?(packet: PacedPacket<Content>): void;
}

/**
 * Amount that may leave at once; below 5 Mbps one packet. Two packets sent together form a queue at a narrow link,
 * which distorts the measured jitter and delay, and overflow a short buffer.
 */
export const BURST_MS = 2;
/** Longest timer delay that the pacer catches up. */
const LATE_MAX_MS = 10;
/**
 * Ten packets, TCP's initial window (RFC 6928): the first keyframe is on screen a round trip sooner, and a path that
 * cannot buffer them could not carry web traffic either.
 */
export const INITIAL_WINDOW_BYTES = 10 * 1_200;
/** Interval at which a missing path is tried again. */
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

  /** How long the queue takes at the current rate. */
  get queueMs(): number {
    return this.#msOf(this.#queuedBytes);
  }

  get probing(): boolean {
    return this.#probe !== undefined;
  }

  /** True while part of a keyframe waits. */
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
   * Takes the packets of one frame, or retransmissions while there is room, and sends what the rate allows at once.
   * @returns false for a delta whose reference was dropped
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

  /** Bytes have left beside the queues (sound, which never waits): the queued packets wait for them. */
  account(bytes: number, nowUs: number): void {
    this.#payOff(nowUs);
    this.#debtBytes += bytes;
  }

  /** Sends a cluster for the estimator: queued packets first, then padding. */
  startProbe(request: ProbeRequest, nowUs: number): void {
    this.#probe = new PacedProbe(request);
    this.process(nowUs);
  }

  /** Sends what is due. `nextUs`: when to call again; undefined: the queues are empty. */
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

  /** @returns false for a retransmission that its queue has no room for */
  #take(packet: PacedPacket<Content>, nowUs: number): boolean {
    const queue = this.#queues[priorityOf(packet)];
    const full = packet.kind === 'rtx' && this.#msOf(queue.bytes + packet.sizeBytes) > LIMITS.pacerQueueMaxMs;
    // One packet may wait even at the lowest rate: it costs less than a keyframe.
    if (full && queue.first) return false;
    queue.push(packet, nowUs);
    return true;
  }

  /** @returns when its next packet is due; undefined once the cluster has ended */
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
    // While packets wait, the pacer catches up on a late timer; an idle path saves no credit.
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
