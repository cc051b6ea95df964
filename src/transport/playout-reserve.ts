/**
 * How long the viewer should hold pictures back, so that a lost packet and its retransmission do not show. On a path
 * that loses nothing: not at all. Once losses keep coming, each would stop the picture for a round trip; then pictures
 * are shown later by as much as nearly every frame's last copy was late, less what nobody sees, and all in time. Read from when those copies left
 * after their originals: that holds the round trip, the receiver's patience and our own pacing. Pure.
 * It reaches the viewer in the playout-delay header extension (webrtc.googlesource.com, playout-delay).
 */

/** Frames of this long speak for the path. */
const WINDOW_US = 3_000_000;
/** So many may still come late: to cover the last few would cost everybody another round trip. */
const LATE_SHARE = 0.03;
/** A picture that comes so much late, about a frame, does not look like a stop; holding all of them back for it costs more. */
const HITCH_MS = 40;
/** A burst of losses, as when capacity drops, is over before a reserve could help: only losses that keep coming count. */
const EPISODE_US = 200_000;
const EPISODES_MIN = 3;
/** It grows by so much at a time, and not sooner again: a picture held back all at once looks frozen itself. */
const GROWTH_MAX_MS = 50;
const GROWTH_INTERVAL_US = 200_000;
/** The reserve shrinks only to the most that was wanted for this long: each change is a hitch in the picture. */
const HOLD_US = 10_000_000;
/** The unit of the header extension. */
const STEP_MS = 10;
/** Beyond this a picture that stops for a moment is better than one that is always late. */
const RESERVE_MAX_MS = 400;

interface SentFrame {
  frame: number;
  sentUs: number;
  lateUs: number;
}

export class PlayoutReserve {
  #frames: SentFrame[] = [];
  /** When each of the latest episodes of loss began. */
  #episodes: number[] = [];
  #reserveMs = 0;
  #wantedUs = -Infinity;
  #grownUs = -Infinity;

  /** Delay to ask the viewer for, a multiple of 10 ms; 0: show what is complete at once. */
  get ms(): number {
    return this.#reserveMs;
  }

  /** A frame enters the stream; frames are numbered in order. */
  onFrame(frame: number, nowUs: number): void {
    this.#frames.push({ frame, sentUs: nowUs, lateUs: 0 });
    this.#update(nowUs);
  }

  /** A packet of a frame was lost, and has arrived by a copy that left so long after the original. */
  onRepair(frame: number, lateUs: number, nowUs: number): void {
    const sent = this.#frames.find((candidate) => candidate.frame === frame);
    if (!sent) return;
    sent.lateUs = Math.max(sent.lateUs, lateUs);
    if (nowUs - (this.#episodes.at(-1) ?? -Infinity) >= EPISODE_US) this.#episodes.push(nowUs);
    this.#update(nowUs);
  }

  #update(nowUs: number): void {
    while ((this.#frames[0]?.sentUs ?? nowUs) < nowUs - WINDOW_US) this.#frames.shift();
    while ((this.#episodes[0] ?? nowUs) < nowUs - WINDOW_US) this.#episodes.shift();
    const wantedMs = this.#wantedMs();
    if (wantedMs >= this.#reserveMs) this.#wantedUs = nowUs;
    if (wantedMs > this.#reserveMs && nowUs - this.#grownUs >= GROWTH_INTERVAL_US) {
      this.#reserveMs = Math.min(wantedMs, this.#reserveMs + GROWTH_MAX_MS);
      this.#grownUs = nowUs;
    }
    if (nowUs - this.#wantedUs >= HOLD_US) {
      this.#reserveMs = wantedMs;
      this.#wantedUs = nowUs;
    }
  }

  #wantedMs(): number {
    if (this.#episodes.length < EPISODES_MIN) return 0;
    const late = this.#frames.map(({ lateUs }) => lateUs).filter((lateUs) => lateUs > 0);
    late.sort((a, b) => b - a);
    const lateUs = late[Math.floor(this.#frames.length * LATE_SHARE)] ?? 0;
    if (lateUs === 0) return 0;
    return Math.max(0, Math.min(Math.ceil((lateUs / 1_000 - HITCH_MS) / STEP_MS) * STEP_MS, RESERVE_MAX_MS));
  }
}
