/** The baseline's rate control, as libwebrtc's `AimdRateControl` (draft-ietf-rmcat-gcc-02 section 5.5). */
import { GccLinkCapacity } from './link-capacity.ts';
import type { Usage } from './trendline.ts';

const MIN_BPS = 5_000;
const BETA = 0.85;
const DECREASE_EXTRA_BPS = 5_000;
const GROWTH_PER_S = 1.08;
const GROWTH_MIN_BPS = 1_000;
const ADDITIVE_MIN_BPS = 4_000;
const PACKET_BITS = 1_200 * 8;
const FRAMES_PER_S = 30;
const RESPONSE_EXTRA_MS = 100;
const UNPROVEN = 1.5;
const UNPROVEN_EXTRA_BPS = 10_000;
const INTERVAL_MIN_MS = 10;
const INTERVAL_MAX_MS = 200;
const RTT_START_MS = 200;

export class GccAimd {
  readonly #capacity = new GccLinkCapacity();
  readonly #maxBps: number;
  #bps: number;
  #state: 'hold' | 'increase' | 'decrease' = 'hold';
  #changedUs: number | undefined;
  #throughputBps: number;
  #rttMs = RTT_START_MS;

  constructor(startBps: number, maxBps: number) {
    this.#bps = startBps;
    this.#throughputBps = startBps;
    this.#maxBps = maxBps;
  }

  get bps(): number {
    return this.#bps;
  }

  setRtt(rttMs: number): void {
    this.#rttMs = rttMs;
  }

  /** Another cut so soon only where little more than half of the rate arrives. */
  mayReduce(throughputBps: number | undefined, nowUs: number): boolean {
    const intervalMs = Math.min(Math.max(this.#rttMs, INTERVAL_MIN_MS), INTERVAL_MAX_MS);
    if (this.#changedUs === undefined || nowUs - this.#changedUs >= intervalMs * 1_000) return true;
    return throughputBps !== undefined && throughputBps < 0.5 * this.#bps;
  }

  /** A probe, or nothing better, says so. */
  setEstimate(bps: number, nowUs: number): void {
    this.#bps = this.#clamp(bps);
    this.#changedUs = nowUs;
  }

  update(usage: Usage, throughputBps: number | undefined, nowUs: number): void {
    this.#throughputBps = throughputBps ?? this.#throughputBps;
    this.#change(usage, nowUs);
    if (this.#state === 'increase') this.#increase(nowUs);
    else if (this.#state === 'decrease') this.#decrease(nowUs);
  }

  #change(usage: Usage, nowUs: number): void {
    if (usage === 'overusing') this.#state = 'decrease';
    else if (usage === 'underusing') this.#state = 'hold';
    else if (this.#state === 'hold') {
      this.#changedUs = nowUs;
      this.#state = 'increase';
    }
  }

  #increase(nowUs: number): void {
    if (this.#throughputBps > this.#capacity.upperBps) this.#capacity.reset();
    const seconds = Math.min((nowUs - (this.#changedUs ?? nowUs)) / 1_000_000, 1);
    const limitBps = UNPROVEN * this.#throughputBps + UNPROVEN_EXTRA_BPS;
    if (this.#bps < limitBps) {
      const grownBps =
        this.#capacity.bps === undefined
          ? this.#bps + Math.max(this.#bps * (GROWTH_PER_S ** seconds - 1), GROWTH_MIN_BPS)
          : this.#bps + this.#additiveBps * seconds;
      this.#bps = this.#clamp(Math.min(grownBps, limitBps));
    }
    this.#changedUs = nowUs;
  }

  #decrease(nowUs: number): void {
    let bps = this.#throughputBps * BETA;
    if (bps > DECREASE_EXTRA_BPS) bps -= DECREASE_EXTRA_BPS;
    if (bps > this.#bps) bps = BETA * (this.#capacity.bps ?? bps);
    if (this.#throughputBps < this.#capacity.lowerBps) this.#capacity.reset();
    this.#capacity.onOveruse(this.#throughputBps);
    this.#bps = this.#clamp(Math.min(this.#bps, bps));
    this.#state = 'hold';
    this.#changedUs = nowUs;
  }

  /** Half a packet per response time, per second. */
  get #additiveBps(): number {
    const frameBits = this.#bps / FRAMES_PER_S;
    const packetBits = frameBits / Math.ceil(frameBits / PACKET_BITS);
    return Math.max((packetBits * 500) / (this.#rttMs + RESPONSE_EXTRA_MS), ADDITIVE_MIN_BPS);
  }

  #clamp(bps: number): number {
    return Math.min(Math.max(bps, MIN_BPS), this.#maxBps);
  }
}
