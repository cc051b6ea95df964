/**
 * Decides when to ask the encoder for a keyframe. Concurrent requests get one; a keyframe being sent answers requests
 * that arrive meanwhile. No flood of PLI or FIR (RFC 4585, RFC 5104) gets more than one a second, or more than a fifth
 * of the bytes. Where our own drop stopped the picture, the next keyframe may follow as soon as the last one is out.
 */
export type KeyframeReason = 'pli' | 'fir' | 'drop' | 'loss';

/** Requests within this time, or within a round trip if that is longer, count as one. */
const COALESCE_MIN_MS = 300;
/** A viewer who needs another keyframe this soon would not recover with more of them. */
const VIEWER_INTERVAL_US = 1_000_000;
/** A fifth of the bytes, less the last keyframe's possible excess and what encoders leave of the target. */
const BITRATE_SHARE = 0.16;
/** At low rates, as for a paused picture, a keyframe counts as paid after this time; otherwise none would follow. */
const PAID_AFTER_S = 5;
/** Most of the unspent share that is saved. */
const SAVED_MAX_S = 1;

export interface KeyframeCircumstances {
  nowUs: number;
  targetBps: number;
  /** Rate actually sent: late or simple pictures leave part of the target unused. */
  sentBps: number;
  rttMs: number;
  /** A keyframe is being sent now. */
  sending: boolean;
  /** Nothing can be sent before a keyframe, so no share could be saved for it. Default false. */
  stalled?: boolean;
}

export class KeyframeRequests {
  #pending: KeyframeReason | undefined;
  #latestUs = -Infinity;
  #latestBits = 0;
  /** Time of the last keyframe granted to a viewer's request. */
  #grantedUs = -Infinity;
  /** Below zero: saved. Starts with the largest saving. */
  #spentBits = -Infinity;
  #updatedAtUs: number | undefined;

  /** Our own drop certainly needs a keyframe; a viewer's request may already be answered. */
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

  /** The reason to ask the encoder now, returned once; undefined: no request, or not yet. */
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
