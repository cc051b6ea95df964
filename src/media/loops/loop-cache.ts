/**
 * The access units of one finished loop of a clip, recorded once and replayed: nothing is computed or encoded again
 * while a clip repeats. A recording begins with a keyframe where the loop does, so every replay is decodable whatever came
 * before it; it is only good as a whole, and only at its own rung. Pure.
 */
import type { AccessUnit } from '../encode/encoder.ts';

interface Recorded {
  frameIndex: number;
  unit: AccessUnit;
}

export interface RecordedLoop {
  units: readonly Recorded[];
  /** What it was recorded for. */
  bitrateBps: number;
}

/** More frames missing than a reduced frame rate leaves out: the generator or the machine stalled there. */
const GAP_MAX_FRAMES = 4;
/** A loop recorded for less than this share of the present bitrate is worth encoding again, better. */
const STALE_SHARE = 0.5;
/** One recorded for more than this would not get through in time. */
const OVER_SHARE = 1.1;

/** Whether what was recorded for one bitrate is good at another. */
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

  /** The loop, once it is whole. */
  get recording(): RecordedLoop | undefined {
    return this.whole ? { units: this.#units, bitrateBps: this.#bitrateBps } : undefined;
  }

  /** Takes over what another session has recorded of the same pictures, at the start of a loop; replayed from there on. */
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

  /** A live-encoded unit was sent. Only an unbroken run from a keyframe at the loop's start to its end is kept. */
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

  /** The playhead has gone round: what was recorded up to here is a whole loop. */
  onLoop(): void {
    if (this.#state === 'recording') this.#state = 'whole';
    this.#atStart = true;
    this.#next = 0;
  }

  /**
   * The units to send so that `frameIndex` is on screen: every one since the last, for each builds on the one before.
   * Undefined when there is none: encode instead. A replay begins with a loop only.
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

  /** A keyframe is needed now, or the playhead has jumped: this replay is broken, the next loop can be replayed again. */
  interrupt(): void {
    this.#next = undefined;
    if (this.#state === 'recording') this.clear();
  }

  #follows(frameIndex: number, unit: AccessUnit): boolean {
    const last = this.#units.at(-1)?.frameIndex;
    if (this.#state !== 'recording' || unit.keyframe || last === undefined) return false;
    return frameIndex > last && frameIndex - last <= GAP_MAX_FRAMES;
  }

  /** The pictures, the codec or the encoder have changed. */
  clear(): void {
    this.#units = [];
    this.#state = 'empty';
    this.#next = undefined;
  }
}
