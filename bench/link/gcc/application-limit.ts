/** Whether the source leaves much of its target unused, as libwebrtc's `AlrDetector`: a budget that fills at 65% of it. */
const SHARE = 0.65;
const WINDOW_MS = 500;
const START = 0.8;
const STOP = 0.5;

export class ApplicationLimit {
  /** Unused bytes; negative after a burst. */
  #leftBytes = 0;
  #updatedUs: number | undefined;
  #sinceUs: number | undefined;
  #endedUs = -Infinity;

  /** When it began; undefined while the source uses its target. */
  get sinceUs(): number | undefined {
    return this.#sinceUs;
  }

  get endedUs(): number {
    return this.#endedUs;
  }

  onSent(sizeBytes: number, targetBps: number, nowUs: number): void {
    const mostBytes = (SHARE * targetBps * WINDOW_MS) / 8_000;
    const earnedBytes = (SHARE * targetBps * (nowUs - (this.#updatedUs ?? nowUs))) / 8_000_000;
    this.#updatedUs = nowUs;
    this.#leftBytes = Math.max(Math.min(this.#leftBytes + earnedBytes, mostBytes) - sizeBytes, -mostBytes);
    const share = this.#leftBytes / mostBytes;
    if (share > START) this.#sinceUs ??= nowUs;
    else if (share < STOP && this.#sinceUs !== undefined) {
      this.#sinceUs = undefined;
      this.#endedUs = nowUs;
    }
  }
}
