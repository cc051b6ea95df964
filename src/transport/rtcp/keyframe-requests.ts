/**
 * Decides when the encoder is asked for a keyframe: many asking at once get one, a keyframe on its way answers whoever
 * asks meanwhile, and no storm of PLI or FIR (RFC 4585, RFC 5104) gets more than one a second, or turns more than a fifth
 * of the bytes into keyframes. Where a drop of our own has stopped the picture it comes as soon as the last one is out.
 */
export type KeyframeReason = 'pli' | 'fir' | 'drop' | 'loss';

/** Requests this close together are one; or a round trip, whichever is longer. */
const COALESCE_MIN_MS = 300;
/** One whom a keyframe did not help at once will not be helped by more of them. */
const VIEWER_INTERVAL_US = 1_000_000;
/** A fifth of the bytes, less what the last keyframe may go over and what an encoder leaves of its target. */
const BITRATE_SHARE = 0.16;
/** Where little is sent, as of a picture that stands, a keyframe is paid for after so long, or nobody would get another. */
const PAID_AFTER_S = 5;
/** Unspent share kept for bad moments. */
const SAVED_MAX_S = 1;

export interface KeyframeCircumstances {
  nowUs: number;
  targetBps: number;
  /** What really leaves: pictures that come late, or are easy, leave a target unused. */
  sentBps: number;
  rttMs: number;
  /** A keyframe is being sent at this moment. */
  sending: boolean;
  /** Nothing else can be sent before one: nothing would ever pay for it. Default false. */
  stalled?: boolean;
}

export class KeyframeRequests {
  #pending: KeyframeReason | undefined;
  #latestUs = -Infinity;
  #latestBits = 0;
  /** When a viewer's request was last granted. */
  #grantedUs = -Infinity;
  /** Below zero: saved. Starts with all that may be saved. */
  #spentBits = -Infinity;
  #updatedAtUs: number | undefined;

  /** Our own drop is certain to need one; whatever the viewer says may already be answered. */
  request(reason: KeyframeReason): void {
    if (this.#pending !== 'drop') this.#pending = reason;
  }

  /** A keyframe has been handed to the pacer. */
  onKeyframe(sizeBytes: number, nowUs: number): void {
    this.#latestUs = nowUs;
    this.#latestBits = sizeBytes * 8;
    this.#spentBits += this.#latestBits;
    this.#pending = undefined;
  }

  /** The reason to ask now, once; undefined: nobody asks, or not yet. */
  take(circumstances: KeyframeCircumstances): KeyframeReason | undefined {
    const { nowUs, targetBps, sentBps, rttMs, sending, stalled = false } = circumstances;
    const grantBps = Math.max(Math.min(sentBps, targetBps) * BITRATE_SHARE, this.#latestBits / PAID_AFTER_S);
    const elapsedS = (nowUs - (this.#updatedAtUs ?? nowUs)) / 1_000_000;
    this.#updatedAtUs = nowUs;
    this.#spentBits = Math.max(-grantBps * SAVED_MAX_S, this.#spentBits - grantBps * elapsedS);
    const reason = this.#pending;
    if (reason === undefined) return undefined;
    const justAnswered = sending || nowUs - this.#latestUs < Math.max(COALESCE_MIN_MS, rttMs) * 1_000;
    if (justAnswered && reason !== 'drop') this.#pending = undefined;
    if (justAnswered) return undefined;
    if (!stalled && this.#spentBits > 0) return undefined;
    if (reason !== 'drop' && nowUs - this.#grantedUs < VIEWER_INTERVAL_US) return undefined;
    if (reason !== 'drop') this.#grantedUs = nowUs;
    this.#pending = undefined;
    this.#latestUs = nowUs;
    return reason;
  }
}
