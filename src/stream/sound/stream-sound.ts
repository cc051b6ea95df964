/**
 * The sound of a stream: keeps what the generator brought, cuts frames of 20 ms from it as the playout goes, and encodes
 * them for those who listen. Playout and sound have one clock. Sound runs ahead of the pictures by `SOUND_LEAD_MS`, and
 * its timestamps say so: a player needs longer for sound than for pictures, and would else hold the pictures back.
 */
import type { Clock, Timer } from '../../clock.ts';
import { toGlimpseError, type GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import { gradeOf, gradeRank } from '../../generation/grades.ts';
import type { GeneratorInfo, Rendition } from '../../generation/generator.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { LibavOpusEncoder } from '../../media/audio/libav-opus.ts';
import { mixInto } from '../../media/audio/mix.ts';
import { SharedOpus, type Listener } from '../../media/audio/shared-opus.ts';
import { checkedSound } from '../../media/audio/sound-check.ts';
import { FRAME_MS, FRAME_SAMPLES, SoundFrames, type SoundPosition } from '../../media/audio/sound-frames.ts';
import { SoundStore } from '../../media/audio/sound-store.ts';
import { SOUND_RATE_HZ, sliceSamples } from '../../picture/sound.ts';
import type { Playout } from '../timeline/playout.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** How far sound is sent before the pictures of its time. */
export const SOUND_LEAD_MS = 60;
/** Frames made up for after a late timer; older ones are left out, and the playout's place is read again. */
const CATCH_UP_FRAMES = 5;
const FRAME_US = FRAME_MS * 1_000;

/** Sound that comes from elsewhere, such as a microphone, and is mixed into the stream's. */
export interface SoundSource {
  /** The next 20 ms with these channels, interleaved, not read afterwards; undefined: silence. */
  next(channels: 1 | 2): Float32Array | undefined;
}

export interface SoundFrame {
  /** 20 ms, interleaved. Never written again. */
  samples: Float32Array;
  channels: 1 | 2;
  /** When its first sample is to be heard, us on the service's clock. */
  startUs: number;
}

export interface StreamSoundEvents {
  /** Only while someone listens. */
  frame: [frame: SoundFrame];
  /** An encoder failed, or the generator brought sound that cannot be used. The stream goes on. */
  error: [error: GlimpseError];
}

export interface StreamSoundOptions {
  clock: Clock;
  info: GeneratorInfo;
  playout: Playout;
  timeline: Timeline;
  /** Slices of a clip; undefined for a live stream. */
  clipSlices: number | undefined;
}

export class StreamSound {
  readonly channels: 1 | 2;
  readonly events = new Emitter<StreamSoundEvents>();
  readonly #options: StreamSoundOptions;
  readonly #store: SoundStore;
  readonly #frames: SoundFrames;
  readonly #opus: SharedOpus;
  readonly #sources = new Set<SoundSource>();
  #listening = 0;
  #timer: Timer | undefined;
  /** When the next frame is to be heard. */
  #nextUs = -Infinity;
  /** Revision whose sound was refused: said once. */
  #refused = -1;

  /** @param channels of everything that is heard */
  constructor(options: StreamSoundOptions, channels: 1 | 2) {
    const { info, clipSlices } = options;
    this.#options = options;
    this.channels = channels;
    this.#store = new SoundStore({ ...info.slice, channels });
    const loopSamples = clipSlices && sliceSamples(clipSlices - 1, info.slice).to;
    this.#frames = new SoundFrames({ store: this.#store, loopSamples });
    this.#opus = new SharedOpus({
      open: (bitrateBps) => LibavOpusEncoder.open({ channels, bitrateBps }),
      onError: (error) => this.events.emit('error', error),
    });
  }

  /** Keeps the sound of a rendition, if it has any. */
  put(rendition: Rendition): void {
    const { audio, revision, slice } = rendition;
    if (!audio || this.#refused === revision) return;
    try {
      const sound = checkedSound(audio, slice, this.#options.info.slice);
      this.#store.put({ revision, slice, rank: gradeRank(gradeOf(rendition)) }, sound);
    } catch (error) {
      this.#refused = revision;
      this.events.emit('error', toGlimpseError(error));
    }
  }

  /** Gives a listener the packets of its rate. @returns ends it */
  listen(listener: Listener): () => void {
    const stop = this.#opus.listen(listener);
    const end = this.#begin();
    return () => {
      stop();
      end();
    };
  }

  /** Gives a listener the frames, not encoded. @returns ends it */
  hear(onFrame: (frame: SoundFrame) => void): () => void {
    const off = this.events.on('frame', onFrame);
    const end = this.#begin();
    return () => {
      off();
      end();
    };
  }

  /** Mixes another sound in. @returns ends it */
  mix(source: SoundSource): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  /** Idempotent, never throws. */
  async close(): Promise<void> {
    this.#timer?.close();
    this.#listening = 0;
    this.events.clear();
    await kept(this.#opus.close());
  }

  #begin(): () => void {
    this.#listening += 1;
    if (this.#listening === 1) this.#tick();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#listening -= 1;
      if (this.#listening > 0) return;
      this.#timer?.close();
      this.#timer = undefined;
    };
  }

  #tick(): void {
    const { clock } = this.#options;
    const nowUs = clock.nowUs();
    const horizonUs = nowUs + SOUND_LEAD_MS * 1_000;
    const behind = (horizonUs - this.#nextUs) / FRAME_US;
    if (behind > CATCH_UP_FRAMES) this.#nextUs = horizonUs;
    for (; this.#nextUs <= horizonUs; this.#nextUs += FRAME_US) this.#cut(this.#nextUs, nowUs);
    this.#forget();
    const delayMs = Math.max(1, Math.ceil((this.#nextUs - SOUND_LEAD_MS * 1_000 - clock.nowUs()) / 1_000));
    if (this.#listening > 0) this.#timer = clock.after(delayMs, () => this.#tick());
  }

  #cut(startUs: number, nowUs: number): void {
    const { channels } = this;
    const samples = this.#frames.next(this.#positionAt(startUs, nowUs));
    for (const source of this.#sources) {
      const added = source.next(channels);
      if (added?.length === FRAME_SAMPLES * channels) mixInto(samples, added);
    }
    this.#opus.push(samples, startUs);
    this.events.emit('frame', { samples, channels, startUs });
  }

  #positionAt(startUs: number, nowUs: number): SoundPosition | undefined {
    const { playout, timeline, info } = this.#options;
    const position = playout.positionAt(startUs, nowUs, timeline);
    return position && { revision: position.revision, sample: (position.frame * SOUND_RATE_HZ) / info.slice.fps };
  }

  /** A live stream keeps what can still be heard. */
  #forget(): void {
    const { playout, timeline, clipSlices } = this.#options;
    if (clipSlices !== undefined) return;
    this.#store.dropBefore(playout.revision, Math.floor(playout.frameIndex / timeline.framesPerSlice) - 1);
  }
}
