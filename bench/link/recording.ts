/** What happened on the forward path, flow by flow, in bins of 10 ms: what figures and plots are made from. */
import type { CapacitySchedule } from './capacity.ts';
import type { Fate } from './path.ts';
import type { FlowKind } from './scenario.ts';

export const BIN_MS = 10;
const BIN_US = BIN_MS * 1_000;
/** Targets are sampled this often. */
export const SAMPLE_MS = 100;

export class FlowRecord {
  readonly kind: FlowKind;
  /** What of the bottleneck's service this flow had, bits. */
  readonly servedBits: Float64Array;
  /** By the time of sending. */
  readonly sentPackets: Uint32Array;
  readonly lostPackets: Uint32Array;
  readonly droppedPackets: Uint32Array;
  /** Every packet that was served: when it came to the queue, and how long it waited there. */
  readonly waits: { atMs: number; waitMs: number }[] = [];
  /** Every `SAMPLE_MS`; NaN while the flow has none. */
  readonly targetBps: number[] = [];

  constructor(kind: FlowKind, bins: number) {
    this.kind = kind;
    this.servedBits = new Float64Array(bins);
    this.sentPackets = new Uint32Array(bins);
    this.lostPackets = new Uint32Array(bins);
    this.droppedPackets = new Uint32Array(bins);
  }

  add(nowUs: number, fate: Fate, capacity: CapacitySchedule): void {
    const bin = Math.min(Math.floor(nowUs / BIN_US), this.sentPackets.length - 1);
    this.sentPackets[bin]! += 1;
    if (fate.outcome === 'lost') this.lostPackets[bin]! += 1;
    if (fate.outcome === 'dropped' || fate.outcome === 'vanished') this.droppedPackets[bin]! += 1;
    if (!('service' in fate)) return;
    this.waits.push({ atMs: nowUs / 1_000, waitMs: fate.service.waitUs / 1_000 });
    this.#serve(fate.service.startUs, fate.service.endUs, capacity);
  }

  /** Bits go to the bins in which they were served, so no bin can hold more than the path could carry. */
  #serve(startUs: number, endUs: number, capacity: CapacitySchedule): void {
    const last = Math.min(Math.floor(endUs / BIN_US), this.servedBits.length - 1);
    for (let bin = Math.floor(startUs / BIN_US); bin <= last; bin++) {
      const fromUs = Math.max(startUs, bin * BIN_US);
      this.servedBits[bin]! += capacity.bitsBetween(fromUs, Math.min(endUs, (bin + 1) * BIN_US));
    }
  }
}

export interface Recording {
  durationMs: number;
  capacity: CapacitySchedule;
  flows: FlowRecord[];
}

/** Sum of bins over [fromMs, toMs), both rounded down to a bin. */
export function sumOver(bins: Float64Array | Uint32Array, fromMs: number, toMs: number): number {
  let sum = 0;
  const end = Math.min(Math.floor(toMs / BIN_MS), bins.length);
  for (let bin = Math.floor(fromMs / BIN_MS); bin < end; bin++) sum += bins[bin]!;
  return sum;
}
