/**
 * How long the viewer should delay pictures, so that a lost packet and its retransmission do not show. Without loss:
 * not at all. When losses keep coming, each would freeze the picture for a round trip; a constant delay hides them. The
 * delay is what nearly every frame's last repair was late, less what viewers do not notice. Lateness is the time from
 * the original's departure to the repair's: it includes the round trip, the receiver's patience and our pacing. Pure.
 * It reaches the viewer in the playout-delay header extension (webrtc.googlesource.com, playout-delay).
 */

/** Frames of the last 3 s describe the path. */
const WINDOW_US = 3_000_000;
/** Share of frames that may still be late: to cover the last few would cost every frame another round trip. */
const LATE_SHARE = 0.03;
/** Lateness of about a frame is not seen as a freeze; delaying all frames to hide it costs more. */
const HITCH_MS = 40;
/** A burst of losses, as when capacity drops, ends before a reserve could help: only repeated losses count. */
const EPISODE_US = 200_000;
const EPISODES_MIN = 3;
/** Largest growth per interval: a sudden longer delay would itself look like a freeze. */
const GROWTH_MAX_MS = 50;
const GROWTH_INTERVAL_US = 200_000;
/** The reserve shrinks only to the maximum wanted over this time, because each change is a visible hitch. */
const HOLD_US = 10_000_000;
/** The unit of the header extension. */
const STEP_MS = 10;
/** Above this, a picture that freezes at times is better than one that is always late. */
const RESERVE_MAX_MS = 400;

interface SentFrame {
  frame: number;
  sentUs: number;
  lateUs: number;
}

export class PlayoutReserve {
  #frames: SentFrame[] = [];
  /** Start times of the latest loss episodes. */
  #episodes: number[] = [];
  #reserveMs = 0;
  #wantedUs = -Infinity;
  #grownUs = -Infinity;

  /** Delay to ask of the viewer, a multiple of 10 ms; 0: show each frame once it is complete. */
  get ms(): number {
    return this.#reserveMs;
  }

  /** A frame enters the stream; frames are numbered in order. */
  onFrame(frame: number, nowUs: number): void {
    this.#frames.push({ frame, sentUs: nowUs, lateUs: 0 });
    this.#update(nowUs);
  }

  /** A lost packet of a frame has arrived by a copy that left `lateUs` after the original. */
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
