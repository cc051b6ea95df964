/**
 * When the baseline probes, as libwebrtc's `ProbeController`: three and six times the start rate, twice the estimate while
 * that yields, every five seconds at twice while the source is limited, and once after a large drop.
 */
import type { ProbeRequest } from '../../../src/congestion/bandwidth-estimator.ts';
import type { ApplicationLimit } from './application-limit.ts';

const START_FACTORS = [3, 6];
const FURTHER_FACTOR = 2;
const FURTHER_YIELD = 0.7;
const LIMITED_FACTOR = 2;
const LIMITED_INTERVAL_US = 5_000_000;
const WAIT_US = 1_000_000;
const LARGE_DROP = 0.66;
const AFTER_DROP = 0.85;
const AFTER_DROP_UNCERTAINTY = 0.05;
const DROP_AGE_US = 5_000_000;
const LIMIT_ENDED_US = 3_000_000;
const CLUSTER_MS = 15;
const CLUSTER_MIN_BYTES = 1_000;

export class GccProbing {
  readonly #maxBps: number;
  #wanted: number[] = [];
  #id = 1;
  #estimateBps: number;
  #furtherAboveBps = Infinity;
  #probedUs = -Infinity;
  #dropUs = -Infinity;
  #beforeDropBps = 0;
  #dropProbeUs = -Infinity;

  constructor(startBps: number, maxBps: number) {
    this.#maxBps = maxBps;
    this.#estimateBps = startBps;
    this.#wanted = START_FACTORS.map((factor) => factor * startBps);
    this.#furtherAboveBps = FURTHER_YIELD * this.#wanted.at(-1)!;
  }

  /** @param nowUs also begins the wait for the first probes' results. */
  take(nowUs: number): ProbeRequest | undefined {
    const wantedBps = this.#wanted.shift();
    if (wantedBps === undefined) return undefined;
    this.#probedUs = nowUs;
    const rateBps = Math.round(Math.min(wantedBps, this.#maxBps));
    const sizeBytes = Math.max(Math.ceil((rateBps * CLUSTER_MS) / 8_000), CLUSTER_MIN_BYTES);
    return { id: this.#id++, rateBps, sizeBytes };
  }

  /** The estimate has changed. */
  setEstimate(bps: number, mayProbe: boolean, nowUs: number): void {
    if (bps < LARGE_DROP * this.#estimateBps) {
      this.#dropUs = nowUs;
      this.#beforeDropBps = this.#estimateBps;
    }
    this.#estimateBps = bps;
    if (nowUs - this.#probedUs <= WAIT_US && bps > this.#furtherAboveBps && mayProbe) {
      this.#initiate(FURTHER_FACTOR * bps, true);
    }
  }

  onTick(limit: ApplicationLimit, mayProbe: boolean, nowUs: number): void {
    if (limit.sinceUs === undefined || !mayProbe || this.#waiting(nowUs)) return;
    if (nowUs < Math.max(limit.sinceUs, this.#probedUs) + LIMITED_INTERVAL_US) return;
    this.#initiate(LIMITED_FACTOR * this.#estimateBps, true);
  }

  /** The path is no longer overused. */
  onRecovered(limit: ApplicationLimit, nowUs: number): void {
    const limited = limit.sinceUs !== undefined || nowUs - limit.endedUs < LIMIT_ENDED_US;
    const wantedBps = AFTER_DROP * this.#beforeDropBps;
    const worthwhile = (1 - AFTER_DROP_UNCERTAINTY) * wantedBps > this.#estimateBps;
    const recent = nowUs - this.#dropUs < DROP_AGE_US && nowUs - this.#dropProbeUs > LIMITED_INTERVAL_US;
    if (!limited || !worthwhile || !recent || this.#waiting(nowUs)) return;
    this.#dropProbeUs = nowUs;
    this.#initiate(wantedBps, false);
  }

  #waiting(nowUs: number): boolean {
    return this.#wanted.length > 0 || nowUs - this.#probedUs <= WAIT_US;
  }

  #initiate(bps: number, further: boolean): void {
    const capped = bps >= this.#maxBps;
    this.#wanted = [Math.min(bps, this.#maxBps)];
    this.#furtherAboveBps = further && !capped ? FURTHER_YIELD * bps : Infinity;
  }
}
