/**
 * The access units of one loop of a finished clip, recorded once and replayed: a repeating clip is neither computed nor
 * encoded again. A recording starts with a keyframe at the loop's start, so every replay is decodable. It is valid only
 * as a whole and at its own rung. Pure.
 */
import type { AccessUnit } from '../encode/encoder.ts';

interface Recorded {
  frameIndex: number;
  unit: AccessUnit;
}

export interface RecordedLoop {
  units: readonly Recorded[];
  /** The rate of the recording. */
  bitrateBps: number;
}

/** A larger gap than a reduced frame rate leaves means that the generator or the machine stalled. */
const GAP_MAX_FRAMES = 4;
/** A loop recorded at less than this share of the current bitrate is encoded again, better. */
const STALE_SHARE = 0.5;
/** A loop recorded at more than this share would arrive late. */
const OVER_SHARE = 1.1;

/** Whether a recording at one bitrate is usable at another. */
export const fitsBitrate = (recordedBps: number, bitrateBps: number): boolean =>
  recordedBps <= bitrateBps * OVER_SHARE && recordedBps >= bitrateBps * STALE_SHARE;

export class LoopCache {
  #units: Recorded[] = [];
  #state: 'empty' | 'recording' | 'whole' = 'empty';
  #bitrateBps = 0;
  #atStart = false;
  /** Index into `#units` of the next unit to replay; undefined while not replaying. */
  #next: number | undefined;

  get whole(): boolean {
    return this.#state === 'whole';
  }

  /** The recording, once it is whole. */
  get recording(): RecordedLoop | undefined {
    return this.whole ? { units: this.#units, bitrateBps: this.#bitrateBps } : undefined;
  }

  /** Takes over another session's recording of the same pictures at the start of a loop, and replays it from there. */
  adopt({ units, bitrateBps }: RecordedLoop): void {
    this.#units = [...units];
    this.#state = 'whole';
    this.#bitrateBps = bitrateBps;
    this.#next = 0;
  }

  /** Bytes held; at most one loop's worth. */
  get sizeBytes(): number {
    return this.#units.reduce((sum, { unit }) => sum + unit.data.byteLength, 0);
  }

  /** A newly encoded unit was sent. Keeps only an unbroken run from a keyframe at the loop's start to its end. */
  onEncoded(frameIndex: number, unit: AccessUnit, bitrateBps: number): void {
    this.#next = undefined;
    if (this.#state === 'whole') return;
    if (this.#atStart && unit.keyframe) {
      this.#units = [];
      this.#state = 'recording';
      this.#bitrateBps = bitrateBps;
    } else if (!this.#follows(frameIndex, unit)) return this.clear();
    this.#atStart = false;
    this.#units.push({ frameIndex, unit });
  }

  /** The loop starts again: a recording up to here is whole. */
  onLoop(): void {
    if (this.#state === 'recording') this.#state = 'whole';
    this.#atStart = true;
    this.#next = 0;
  }

  /**
   * The units to send so that `frameIndex` is on screen: all since the last call, since each builds on the previous
   * one. Undefined when the frame must be encoded. A replay starts only with a loop.
   */
  take(frameIndex: number, rung: { widthPx: number; heightPx: number }, bitrateBps: number): AccessUnit[] | undefined {
    if (this.#state !== 'whole') return undefined;
    const [first] = this.#units;
    if (!first || first.unit.widthPx !== rung.widthPx || first.unit.heightPx !== rung.heightPx) return this.#stale();
    if (!fitsBitrate(this.#bitrateBps, bitrateBps)) return this.#stale();
    if (this.#next === undefined) return undefined;
    const units: AccessUnit[] = [];
    for (let recorded = this.#units[this.#next]; recorded && recorded.frameIndex <= frameIndex;) {
      units.push(recorded.unit);
      recorded = this.#units[++this.#next];
    }
    return units;
  }

  #stale(): undefined {
    this.clear();
    return undefined;
  }

  /** A keyframe is needed now, or the playhead has jumped: this replay ends, and the next loop may be replayed. */
  interrupt(): void {
    this.#next = undefined;
    if (this.#state === 'recording') this.clear();
  }

  #follows(frameIndex: number, unit: AccessUnit): boolean {
    const last = this.#units.at(-1)?.frameIndex;
    if (this.#state !== 'recording' || unit.keyframe || last === undefined) return false;
    return frameIndex > last && frameIndex - last <= GAP_MAX_FRAMES;
  }

  /** Drops the recording: pictures, codec or encoder have changed. */
  clear(): void {
    this.#units = [];
    this.#state = 'empty';
    this.#next = undefined;
  }
}
