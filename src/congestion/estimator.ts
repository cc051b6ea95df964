/**
 * The bandwidth estimator: connects the stages of this folder into one `BandwidthEstimator`. Delay (gradient and
 * standing queue) sets the rate unless other flows keep the queue filled; loss and REMB limit it, probes raise it,
 * silence halves it. Deterministic: the same calls give the same decisions.
 */
import type {
  BandwidthEstimator,
  EstimatorReason,
  EstimatorSnapshot,
  ProbeRequest,
  SentPacket,
  TransportFeedback,
} from './bandwidth-estimator.ts';
import { RateControl } from './aimd.ts';
import { Competition } from './competition.ts';
import { DrainSpeed } from './delay/drain-speed.ts';
import { Gradient } from './delay/gradient.ts';
import { LossModel } from './loss/loss.ts';
import { Probing } from './probing/probing.ts';
import { QueueDelay } from './delay/queue-delay.ts';
import { inOrderOfArrival, type PacketReport, SentPackets } from './feedback/sent-packets.ts';
import { StandingLoss } from './loss/standing-loss.ts';
import { Throughput } from './feedback/throughput.ts';

export interface EstimatorOptions {
  /** Initial target. Default 300 kbps: a small keyframe in 200 ms on almost any path. */
  startBps?: number;
  /** Default 20 kbps: below it even the smallest rung shows nothing useful. */
  minBps?: number;
  /** Default 8 Mbps: more than the largest rung can use. */
  maxBps?: number;
}

/** Minimum silence of the receiver, with packets in flight, that counts as a timeout; or three round trips. */
const TIMEOUT_MIN_MS = 1_000;
/** After this much silence, earlier and later delays do not compare. */
const STALE_US = 2_000_000;
/** Delay above the base at which a packet counts as queued. */
const QUEUED_MS = 5;
/** A gradient with a smaller queue is jitter. */
const GRADIENT_QUEUE_MS = 8;
/** A queue that a lower rate does not drain is not ours: another flow keeps it filled, or the path got longer. */
const DRAIN_MAX_US = 2_500_000;
const RTT_UNKNOWN_MS = 100;
const PACKET_WEIGHT = 0.05;
/** Share of an idle path's delay that a probe is not charged for; with all of it some probes would prove too much. */
const IDLE_SHARE = 0.75;
/** The target counts as used when this share of it arrives. */
const USED = 0.85;
/** Competing flows keep at least this queue, because only their losses end it. */
const COMPETING_MS = 80;
/** No queue changes the delay this much between packets: a clock was set, and earlier delays do not compare. */
const CLOCK_JUMP_US = 10_000_000;

export class GlimpseEstimator implements BandwidthEstimator {
  readonly #minBps: number;
  readonly #maxBps: number;
  readonly #sent = new SentPackets();
  readonly #gradient = new Gradient();
  readonly #queue = new QueueDelay();
  readonly #drainSpeed = new DrainSpeed();
  readonly #throughput = new Throughput();
  readonly #loss = new LossModel();
  readonly #probing = new Probing();
  readonly #competition = new Competition();
  readonly #rate: RateControl;
  #reason: EstimatorReason = 'start';
  #rembBps = Infinity;
  #rttMs: number | undefined;
  #packetBytes = 1_000;
  #heardAtUs: number | undefined;
  /** Departure of the first packet not answered since the last feedback; silence counts from there. */
  #unansweredSinceUs: number | undefined;
  #sawFeedback = false;
  /** The target before the receiver fell silent; undefined while it responds. */
  #beforeSilenceBps: number | undefined;
  readonly #standingLoss = new StandingLoss();
  #delayUs: number | undefined;

  constructor({ startBps = 300_000, minBps = 20_000, maxBps = 8_000_000 }: EstimatorOptions = {}) {
    this.#minBps = minBps;
    this.#maxBps = maxBps;
    this.#rate = new RateControl(startBps);
    this.#rate.limit(minBps, maxBps);
  }

  onPacketSent(packet: SentPacket): void {
    this.#sent.add(packet);
    this.#unansweredSinceUs ??= packet.sentAtUs;
    this.#packetBytes += PACKET_WEIGHT * (packet.sizeBytes - this.#packetBytes);
    if (packet.probeId !== undefined) this.#probing.onSent(packet.probeId, packet.sequence, packet.sizeBytes);
  }

  onFeedback(feedback: TransportFeedback, nowUs: number): number {
    const reports = this.#sent.match(feedback.packets);
    if (reports.length === 0) return 0;
    if (this.#heardAtUs !== undefined && nowUs - this.#heardAtUs > STALE_US) this.#forgetDelays();
    this.#heardAtUs = nowUs;
    this.#unansweredSinceUs = undefined;
    this.#sawFeedback = true;
    this.#takeReports(reports);
    const { jitterMs, idleMs } = this.#queue;
    const idleUs = IDLE_SHARE * idleMs * 1_000;
    const reading = {
      nowUs,
      targetBps: this.targetBps,
      maxBps: this.#maxBps,
      jitterMs,
      baseUs: this.#queue.baseUs,
      idleUs,
    };
    const provenBps = this.#probing.evaluate(reports.at(-1)!.sequence, reading);
    const lost = reports.some(({ arrivedAtUs }) => arrivedAtUs === undefined);
    this.#decide(nowUs, provenBps, lost);
    this.#bound(nowUs);
    if (this.#beforeSilenceBps !== undefined) this.#probing.afterSilence(this.#beforeSilenceBps);
    this.#beforeSilenceBps = undefined;
    return reports.length;
  }

  onRtt(rttMs: number): void {
    if (!(rttMs >= 0 && Number.isFinite(rttMs))) return;
    this.#rttMs = rttMs;
    if (!this.#sawFeedback) this.#unansweredSinceUs = undefined;
  }

  onRemb(bitrateBps: number): void {
    if (!(bitrateBps > 0)) return;
    this.#rembBps = bitrateBps;
    if (this.#sawFeedback) return;
    // A receiver that estimates by itself and reports no packets: its estimate is all we have.
    this.#unansweredSinceUs = undefined;
    this.#rate.raiseTo(bitrateBps);
    this.#rate.limit(this.#minBps, this.#maxBps);
    this.#reason = 'remb';
  }

  onTick(nowUs: number): void {
    const timeoutMs = Math.max(TIMEOUT_MIN_MS, 3 * (this.#rttMs ?? RTT_UNKNOWN_MS));
    if (this.#unansweredSinceUs === undefined || nowUs - this.#unansweredSinceUs < timeoutMs * 1_000) return;
    this.#unansweredSinceUs = undefined;
    this.#beforeSilenceBps ??= this.targetBps;
    this.#rate.scale(0.5);
    this.#rate.limit(this.#minBps, this.#maxBps);
    this.#rate.endDrain();
    this.#forgetDelays();
    this.#reason = 'timeout';
  }

  takeProbe(nowUs: number): ProbeRequest | undefined {
    const { targetBps } = this;
    // Called at every wake-up of the pacer, and nearly always without work.
    if (this.#probing.rests(nowUs, targetBps >= Math.min(this.#maxBps, this.#rembBps))) return undefined;
    const clear =
      this.#queue.state(this.#packetMs) === 'clear' &&
      this.#rate.drainingSinceUs === undefined &&
      this.#reason !== 'timeout' &&
      Math.min(this.#loss.boundBps, this.#rembBps) >= this.#rate.targetBps;
    const maxBps = Math.min(this.#maxBps, this.#rembBps);
    const used = (this.#throughput.bps ?? 0) > USED * targetBps;
    return this.#probing.take({
      nowUs,
      targetBps,
      maxBps,
      clear,
      cutAtUs: this.#rate.cutAtUs,
      jitterMs: this.#queue.jitterMs,
      quietMs: used ? this.#rate.quietMs : 0,
      hunting: this.#rate.capacityBps === undefined,
    });
  }

  get targetBps(): number {
    const grantedBps = Math.min(this.#rate.targetBps * this.#competition.share, this.#loss.boundBps, this.#rembBps);
    return Math.round(Math.min(Math.max(grantedBps, this.#minBps), this.#maxBps));
  }

  get snapshot(): EstimatorSnapshot {
    return {
      targetBps: this.targetBps,
      reason: this.#reason,
      delayBasedBps: Math.round(this.#rate.bps),
      lossBasedBps: Math.round(Math.min(this.#loss.boundBps, this.#maxBps)),
      throughputBps: this.#throughput.bps,
      rttMs: this.#rttMs,
      queueMs: this.#queue.queueMs,
      lossRatio: this.#loss.ratio,
      trend: this.#gradient.trend,
      threshold: this.#gradient.threshold,
    };
  }

  get #packetMs(): number {
    return (this.#packetBytes * 8_000) / this.#rate.bps;
  }

  /** Passes the reports to every stage, packet by packet in order of arrival. */
  #takeReports(reports: readonly PacketReport[]): void {
    for (const { sentAtUs, sizeBytes, arrivedAtUs } of reports) {
      this.#loss.add(sentAtUs, sizeBytes, arrivedAtUs === undefined);
    }
    for (const report of inOrderOfArrival(reports)) {
      const { sentAtUs, arrivedAtUs, sizeBytes } = report;
      const delayUs = arrivedAtUs - sentAtUs;
      if (Math.abs(delayUs - (this.#delayUs ?? delayUs)) > CLOCK_JUMP_US) this.#forgetDelays();
      this.#delayUs = delayUs;
      this.#probing.onReceived(report);
      this.#queue.add(sentAtUs, arrivedAtUs);
      this.#drainSpeed.add(sentAtUs, arrivedAtUs);
      this.#throughput.add(arrivedAtUs, sizeBytes, this.#queue.queueMs > QUEUED_MS);
      this.#gradient.add(sentAtUs, arrivedAtUs);
    }
    this.#loss.update();
  }

  #decide(nowUs: number, provenBps: number | undefined, lost: boolean): void {
    const { queueMs } = this.#queue;
    const gradientCounts = queueMs > GRADIENT_QUEUE_MS && !this.#probing.disturbs(nowUs);
    const use = this.#gradient.state === 'overuse' && !gradientCounts ? 'normal' : this.#gradient.state;
    this.#reason = this.#rate.update({
      nowUs,
      use,
      queue: this.#queue.state(this.#packetMs),
      queueMs,
      throughputBps: this.#throughput.bps,
      capacityBps: this.#throughput.capacityBps,
      rttMs: this.#rttMs ?? RTT_UNKNOWN_MS,
      packetBytes: this.#packetBytes,
      packetMs: this.#packetMs,
    });
    if (this.#reason === 'queue' || this.#reason === 'drain') this.#loss.forget(nowUs);
    this.#compete(nowUs, lost);
    const { drainingSinceUs } = this.#rate;
    if (drainingSinceUs === undefined) {
      if (provenBps !== undefined && this.#rate.raiseTo(provenBps)) this.#reason = 'probe';
    } else if (nowUs - drainingSinceUs > DRAIN_MAX_US) {
      this.#queue.rebase();
      this.#rate.endDrain();
    }
  }

  /** Where other flows fill the queue, loss replaces delay. */
  #compete(nowUs: number, lost: boolean): void {
    const state = this.#queue.state(this.#packetMs);
    // The current base may already include the other flows' queue.
    const standing = this.#queue.standingMs > COMPETING_MS;
    this.#competition.update({
      nowUs,
      pressed: standing || state === 'congested' || (state === 'filling' && this.#rate.drainingSinceUs !== undefined),
      clear: state === 'clear' && !standing,
      lost,
      bps: this.#rate.bps,
      drainSpeed: this.#drainSpeed.ratio,
      rttMs: this.#rttMs ?? RTT_UNKNOWN_MS,
      packetBytes: this.#packetBytes,
    });
    const { floorBps } = this.#competition;
    if (floorBps === undefined) return;
    this.#rate.hold(floorBps);
    this.#reason = 'compete';
  }

  /** Limits the rate by losses, the receiver and the configuration. */
  #bound(nowUs: number): void {
    const at = { nowUs, rttMs: this.#rttMs ?? RTT_UNKNOWN_MS };
    const draining = this.#rate.drainingSinceUs !== undefined;
    const keep = draining ? undefined : this.#standingLoss.keep(this.#loss.lastRatio, this.#queue.standingMs, at);
    if (keep !== undefined) {
      this.#competition.scale(keep);
      this.#rate.lowerTo(keep * this.#rate.bps);
      this.#reason = 'loss';
    }
    this.#rate.limit(this.#minBps, this.#maxBps);
    const { boundBps } = this.#loss;
    if (boundBps < this.#rate.targetBps) {
      this.#rate.lowerTo(boundBps);
      this.#reason = 'loss';
    }
    if (this.#rembBps < this.#rate.targetBps) this.#reason = 'remb';
  }

  #forgetDelays(): void {
    this.#gradient.reset();
    this.#queue.reset();
    this.#drainSpeed.reset();
    this.#throughput.reset();
    this.#probing.reset();
    this.#competition.reset();
  }
}
