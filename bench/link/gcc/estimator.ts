/**
 * The baseline: Google Congestion Control with the constants of libwebrtc (goog_cc, January 2026), written from its
 * published description behind the contract of our own estimator, so that both run on the same send path. Not weakened:
 * it has the newer loss model, probing, and the back-off for silence.
 */
import type {
  BandwidthEstimator,
  EstimatorReason,
  EstimatorSnapshot,
  ProbeRequest,
  SentPacket,
  TransportFeedback,
} from '../../../src/congestion/bandwidth-estimator.ts';
import { type PacketReport, SentPackets } from '../../../src/congestion/feedback/sent-packets.ts';
import { GccAimd } from './aimd.ts';
import { ApplicationLimit } from './application-limit.ts';
import { GccArrivalGroups } from './arrival-groups.ts';
import { GccLoss } from './loss.ts';
import { ProbeClusters } from './probe-clusters.ts';
import { GccProbing } from './probing.ts';
import { Silence } from './silence.ts';
import { GccThroughput } from './throughput.ts';
import { GccTrendline, type Usage } from './trendline.ts';

export interface GccOptions {
  startBps?: number;
  /** The same cap as ours, so that neither probes further than the other. */
  maxBps?: number;
}

/** Everything about delays is forgotten after so long without feedback. */
const STALE_US = 2_000_000;
const MIN_BPS = 5_000;
/** A probe below the estimate counts, but not below this share of what arrives. */
const PROBE_DROP_SHARE = 0.85;

export class GccEstimator implements BandwidthEstimator {
  readonly #maxBps: number;
  readonly #sent = new SentPackets();
  readonly #groups = new GccArrivalGroups();
  #trendline = new GccTrendline();
  readonly #throughput = new GccThroughput();
  readonly #aimd: GccAimd;
  readonly #loss = new GccLoss();
  readonly #clusters = new ProbeClusters();
  readonly #probing: GccProbing;
  readonly #limit = new ApplicationLimit();
  readonly #silence = new Silence();
  #reason: EstimatorReason = 'start';
  #targetBps: number;
  #rembBps = Infinity;
  #rttMs: number | undefined;
  #heardUs: number | undefined;
  #usage: Usage = 'normal';

  constructor({ startBps = 300_000, maxBps = 8_000_000 }: GccOptions = {}) {
    this.#maxBps = maxBps;
    this.#aimd = new GccAimd(startBps, maxBps);
    this.#probing = new GccProbing(startBps, maxBps);
    this.#targetBps = startBps;
  }

  onPacketSent(packet: SentPacket): void {
    this.#sent.add(packet);
    this.#silence.onSent(packet.sentAtUs);
    this.#limit.onSent(packet.sizeBytes, this.#targetBps, packet.sentAtUs);
  }

  onFeedback({ packets }: TransportFeedback, nowUs: number): number {
    const reports = this.#sent.match(packets);
    if (reports.length === 0) return 0;
    if (this.#heardUs !== undefined && nowUs - this.#heardUs > STALE_US) this.#forgetDelays();
    this.#heardUs = nowUs;
    this.#silence.onFeedback(nowUs);
    const probeBps = this.#takeReports(reports, nowUs);
    const before = this.#usage;
    this.#usage = this.#trendline.usage;
    this.#control(probeBps, nowUs);
    this.#loss.update(this.#aimd.bps, this.#throughput.bps, nowUs);
    this.#setTarget(Math.min(this.#aimd.bps, this.#loss.boundBps, this.#rembBps), nowUs);
    if (before === 'underusing' && this.#usage === 'normal') this.#probing.onRecovered(this.#limit, nowUs);
    return reports.length;
  }

  onRtt(rttMs: number): void {
    this.#rttMs = rttMs;
    this.#aimd.setRtt(rttMs);
  }

  onRemb(bitrateBps: number): void {
    this.#rembBps = bitrateBps;
  }

  onTick(nowUs: number): void {
    const factor = this.#silence.factor(nowUs);
    if (factor < 1) {
      this.#reason = 'timeout';
      this.#aimd.setEstimate(this.#targetBps * factor, nowUs);
      this.#setTarget(this.#targetBps * factor, nowUs);
    }
    this.#probing.onTick(this.#limit, this.#mayProbe, nowUs);
  }

  takeProbe(nowUs: number): ProbeRequest | undefined {
    const probe = this.#probing.take(nowUs);
    if (probe) this.#clusters.begin(probe);
    return probe;
  }

  get targetBps(): number {
    return Math.round(this.#targetBps);
  }

  get snapshot(): EstimatorSnapshot {
    return {
      targetBps: this.targetBps,
      reason: this.#reason,
      delayBasedBps: Math.round(this.#aimd.bps),
      lossBasedBps: Math.round(Math.min(this.#loss.boundBps, this.#maxBps)),
      throughputBps: this.#throughput.bps,
      rttMs: this.#rttMs,
      queueMs: 0,
      lossRatio: this.#loss.ratio,
      trend: this.#trendline.trend,
      threshold: this.#trendline.threshold,
    };
  }

  /** @returns the rate a probe has shown, if one has. */
  #takeReports(reports: readonly PacketReport[], nowUs: number): number | undefined {
    for (const { sentAtUs, sizeBytes, arrivedAtUs } of reports) {
      this.#loss.add(sentAtUs, sizeBytes, arrivedAtUs === undefined);
    }
    const received = reports.flatMap((report) =>
      report.arrivedAtUs === undefined ? [] : [{ ...report, arrivedAtUs: report.arrivedAtUs }],
    );
    let probeBps: number | undefined;
    for (const { sentAtUs, arrivedAtUs, sizeBytes, probeId } of received.toSorted(
      (a, b) => a.arrivedAtUs - b.arrivedAtUs || a.sequence - b.sequence,
    )) {
      this.#throughput.add({ sentUs: sentAtUs, arrivedUs: arrivedAtUs, sizeBytes });
      if (probeId !== undefined) {
        probeBps = this.#clusters.onArrived(probeId, sizeBytes, sentAtUs, arrivedAtUs) ?? probeBps;
      }
      const delta = this.#groups.add(sentAtUs, arrivedAtUs, nowUs);
      if (delta) this.#trendline.update(delta, arrivedAtUs / 1_000);
    }
    return probeBps;
  }

  /** As libwebrtc's `DelayBasedBwe::MaybeUpdateEstimate`. */
  #control(probeBps: number | undefined, nowUs: number): void {
    const throughputBps = this.#throughput.bps;
    if (this.#usage === 'overusing') {
      if (!this.#aimd.mayReduce(throughputBps, nowUs)) return;
      if (throughputBps === undefined) this.#aimd.setEstimate(this.#aimd.bps / 2, nowUs);
      else this.#aimd.update('overusing', throughputBps, nowUs);
      this.#reason = 'overuse';
      return;
    }
    if (probeBps === undefined) {
      this.#aimd.update(this.#usage, throughputBps, nowUs);
      this.#reason = this.#usage === 'normal' ? 'increase' : 'hold';
      return;
    }
    const floorBps = Math.min(this.#aimd.bps, PROBE_DROP_SHARE * (throughputBps ?? 0));
    this.#aimd.setEstimate(Math.max(probeBps, floorBps), nowUs);
    this.#reason = 'probe';
  }

  #setTarget(bps: number, nowUs: number): void {
    if (bps < this.#aimd.bps) this.#reason = this.#rembBps <= bps ? 'remb' : 'loss';
    this.#targetBps = Math.min(Math.max(bps, MIN_BPS), this.#maxBps);
    this.#probing.setEstimate(this.#targetBps, this.#mayProbe, nowUs);
  }

  get #mayProbe(): boolean {
    return this.#usage !== 'overusing' && this.#loss.boundBps === Infinity && !this.#silence.lasts;
  }

  #forgetDelays(): void {
    this.#groups.reset();
    this.#trendline = new GccTrendline();
  }
}
