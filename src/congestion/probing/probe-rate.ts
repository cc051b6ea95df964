/**
 * What a probe cluster proves about the path. A queue that the cluster builds shows as delay above the base at its end.
 * Jitter only adds delay, so the least delayed packet tells most, and jitter can only lower the result. (The usual span
 * from first to last arrival shrinks when jitter delays the first packet, which reads as capacity that is not there.)
 */

export interface ProbePacket {
  sequence: number;
  sizeBytes: number;
  sentAtUs: number;
  arrivedAtUs: number;
}

export interface ProbeCluster {
  /** The requested rate. */
  rateBps: number;
  sentPackets: number;
  sentBytes: number;
  received: readonly ProbePacket[];
}

export interface ProbePath {
  jitterMs: number;
  /** Delay of an empty path, receiver's clock minus ours; Infinity when unknown. */
  baseUs: number;
  /** Further delay of an idle path, which the cluster is not charged for. */
  idleUs: number;
}

/** Share of the cluster that must have arrived. */
const ARRIVED = 0.8;
const PACKETS_MIN = 4;
/** The end of a cluster, where its queue shows: this share of its packets, but at least this many. */
const TAIL_SHARE = 1 / 3;
const TAIL_PACKETS = 3;
/** Largest idle delay not charged, as a share of the cluster's length. */
const IDLE_SHARE_MAX = 0.2;
/** A late timer makes a burst faster than requested; it proves no more than this multiple. */
const OVERSPEED = 1.5;
/** Jitter that pacing and serialization cause on any path, ms. */
const JITTER_FREE_MS = 3;
/** A cluster should span this many times the jitter; a shorter one counts in proportion. */
export const CLUSTER_JITTERS = 3;

/** @returns the rate proven, bits per second; undefined when too little of the cluster arrived */
export function provenBps(
  { received, rateBps, sentPackets, sentBytes }: ProbeCluster,
  path: ProbePath,
): number | undefined {
  const bytes = received.reduce((sum, packet) => sum + packet.sizeBytes, 0);
  if (received.length < Math.max(PACKETS_MIN, ARRIVED * sentPackets) || bytes < ARRIVED * sentBytes) return undefined;
  const packets = received.toSorted((a, b) => a.sentAtUs - b.sentAtUs || a.sequence - b.sequence);
  const { sentAtUs: startUs, sizeBytes: firstBytes } = packets[0]!;
  const spanUs = packets.at(-1)!.sentAtUs - startUs;
  // Small packets are served sooner than the large ones that may have set the base.
  const emptyUs = Math.min(path.baseUs, ...packets.map(delayUs));
  const sendBps = rateOver(bytes - firstBytes, spanUs);
  const servedBps = bestServed(packets, emptyUs, path.idleUs);
  const neededUs = CLUSTER_JITTERS * Math.max(0, path.jitterMs - JITTER_FREE_MS) * 1_000;
  const belief = Math.min(1, neededUs === 0 ? 1 : spanUs / neededUs);
  return belief * Math.min(sendBps, servedBps, OVERSPEED * rateBps);
}

/** The rate at which the path must have served the cluster, given when its last packets arrived. */
function bestServed(packets: readonly ProbePacket[], emptyUs: number, idleUs: number): number {
  const tail = Math.max(TAIL_PACKETS, Math.ceil(packets.length * TAIL_SHARE));
  const startUs = packets[0]!.sentAtUs;
  let bytes = 0;
  let best = 0;
  for (const [index, packet] of packets.entries()) {
    if (index === 0) continue;
    bytes += packet.sizeBytes;
    if (index < packets.length - tail) continue;
    const spanUs = packet.sentAtUs - startUs;
    const queuedUs = delayUs(packet) - emptyUs - Math.min(idleUs, IDLE_SHARE_MAX * spanUs);
    best = Math.max(best, rateOver(bytes, spanUs + Math.max(0, queuedUs)));
  }
  return best;
}

const delayUs = (packet: ProbePacket): number => packet.arrivedAtUs - packet.sentAtUs;
const rateOver = (bytes: number, spanUs: number): number => (spanUs <= 0 ? Infinity : (bytes * 8_000_000) / spanUs);
