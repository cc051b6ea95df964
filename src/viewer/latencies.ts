/** Measures the latencies of one viewer; metrics/latencies.ts defines each. */
import type { Clock } from '../clock.ts';
import type { ViewerLatency, ViewerMetrics } from './deps.ts';

export type LatencyValues = Record<ViewerLatency, number | null>;

export class Latencies {
  readonly #clock: Clock;
  readonly #metrics: ViewerMetrics;
  /** The latest value of each, for the viewer's stats. */
  readonly values: LatencyValues = {
    steerToVisibleMs: null,
    timeToConnectMs: null,
    timeToFirstFrameMs: null,
    timeToDraftMs: null,
    timeToRefinedMs: null,
  };
  #offeredUs: number | undefined;
  #firstFramePending = false;
  #draftRevision: number;
  #refinedRevision: number;
  #visible: boolean;

  /** @param playing the revision that plays when the viewer joins, which others have waited for; -1: none yet */
  constructor(clock: Clock, metrics: ViewerMetrics, playing: number) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#draftRevision = playing;
    this.#refinedRevision = playing;
    this.#visible = playing >= 0;
  }

  /** An offer has arrived. */
  offered(): void {
    this.#offeredUs = this.#clock.nowUs();
    this.#firstFramePending = true;
  }

  connected(): void {
    this.#record('timeToConnectMs', this.#sinceOfferMs());
  }

  /** A frame was handed to the pacer, `sinceAcceptedMs` after its revision's prompt was accepted. */
  sent(sinceAcceptedMs: number | undefined, revision: number, refined: boolean): void {
    if (this.#firstFramePending) {
      this.#firstFramePending = false;
      this.#record('timeToFirstFrameMs', this.#sinceOfferMs());
    }
    if (revision > this.#draftRevision) {
      this.#draftRevision = revision;
      this.#record('timeToDraftMs', sinceAcceptedMs);
      // The first revision belongs to the connection's start; every later one is a change that a viewer sees.
      if (this.#visible) this.#record('steerToVisibleMs', sinceAcceptedMs);
      this.#visible = true;
    }
    if (refined && revision > this.#refinedRevision) {
      this.#refinedRevision = revision;
      this.#record('timeToRefinedMs', sinceAcceptedMs);
    }
  }

  #sinceOfferMs(): number | undefined {
    return this.#offeredUs === undefined ? undefined : (this.#clock.nowUs() - this.#offeredUs) / 1000;
  }

  #record(latency: ViewerLatency, ms: number | undefined): void {
    if (ms === undefined) return;
    this.values[latency] = ms;
    this.#metrics.observe(latency, ms);
  }
}
