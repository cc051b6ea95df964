/** What the baseline reads from a probe cluster's arrival, as libwebrtc's `ProbeBitrateEstimator`. */
import type { ProbeRequest } from '../../../src/congestion/bandwidth-estimator.ts';

const PACKETS_MIN = 5;
const ARRIVED = 0.8;
const SPAN_MAX_US = 1_000_000;
const FASTER_MAX = 2;
const SATURATED = 0.9;
const SATURATED_SHARE = 0.95;

interface Cluster {
  wantedBytes: number;
  packets: number;
  bytes: number;
  firstSentUs: number;
  lastSentUs: number;
  lastSentBytes: number;
  firstArrivedUs: number;
  firstArrivedBytes: number;
  lastArrivedUs: number;
}

export class ProbeClusters {
  readonly #clusters = new Map<number, Cluster>();

  begin({ id, sizeBytes }: ProbeRequest): void {
    this.#clusters.set(id, {
      wantedBytes: sizeBytes,
      packets: 0,
      bytes: 0,
      firstSentUs: Infinity,
      lastSentUs: -Infinity,
      lastSentBytes: 0,
      firstArrivedUs: Infinity,
      firstArrivedBytes: 0,
      lastArrivedUs: -Infinity,
    });
  }

  /** @returns the rate shown so far, bits a second; undefined while too little has arrived, or it makes no sense. */
  onArrived(id: number, sizeBytes: number, sentUs: number, arrivedUs: number): number | undefined {
    const cluster = this.#clusters.get(id);
    if (!cluster) return undefined;
    cluster.packets += 1;
    cluster.bytes += sizeBytes;
    cluster.firstSentUs = Math.min(cluster.firstSentUs, sentUs);
    if (sentUs >= cluster.lastSentUs) [cluster.lastSentUs, cluster.lastSentBytes] = [sentUs, sizeBytes];
    if (arrivedUs < cluster.firstArrivedUs) {
      [cluster.firstArrivedUs, cluster.firstArrivedBytes] = [arrivedUs, sizeBytes];
    }
    cluster.lastArrivedUs = Math.max(cluster.lastArrivedUs, arrivedUs);
    return cluster.packets < PACKETS_MIN * ARRIVED || cluster.bytes < cluster.wantedBytes * ARRIVED
      ? undefined
      : rateOf(cluster);
  }
}

function rateOf(cluster: Cluster): number | undefined {
  const sendUs = cluster.lastSentUs - cluster.firstSentUs;
  const arrivalUs = cluster.lastArrivedUs - cluster.firstArrivedUs;
  if (sendUs <= 0 || sendUs > SPAN_MAX_US || arrivalUs <= 0 || arrivalUs > SPAN_MAX_US) return undefined;
  const sendBps = ((cluster.bytes - cluster.lastSentBytes) * 8_000_000) / sendUs;
  const arrivalBps = ((cluster.bytes - cluster.firstArrivedBytes) * 8_000_000) / arrivalUs;
  if (arrivalBps > FASTER_MAX * sendBps) return undefined;
  return arrivalBps < SATURATED * sendBps ? SATURATED_SHARE * arrivalBps : Math.min(sendBps, arrivalBps);
}
