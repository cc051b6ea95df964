/**
 * A seeded test pattern, not a generative model: it ignores the prompt. It makes pictures of any size and rate, far
 * faster than they play, to test everything behind a generator. The seed chooses the texture and the revision the
 * colour; a bar code counts the frames; the refined tier adds grain, which fills a link at any bitrate.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GlimpseError } from '../../errors.ts';
import type { I420Frame } from '../../picture/frame.ts';
import { i420Bytes } from '../../picture/frame.ts';
import { paintBarCode } from './bar-code.ts';
import { beepSound, isFlash } from './beep.ts';
import type {
  GenerateOptions,
  Generator,
  GeneratorInfo,
  PromptReading,
  Rendition,
  SliceJob,
  TierInfo,
} from '../generator.ts';
import { createRandom } from '../slices/noise.ts';
import { cloudTexture, grainWords, halfTexture } from './texture.ts';
import type { Texture } from './texture.ts';
import { tierRank } from '../../picture/tiers.ts';
import type { Tier } from '../../picture/tiers.ts';

export { readBarCode } from './bar-code.ts';

export interface PatternOptions {
  /** Even. */
  widthPx: number;
  /** Even. */
  heightPx: number;
  fps: number;
  sliceFrames?: number;
  /** Grain of the refined tier, from 0 (none: few bits) to 1 (a high bitrate at any quantiser). Default 0.5. */
  detail?: number;
  /** A white flash and a beep once a second, to measure picture against sound. Default false. */
  beep?: boolean;
}

/** Luma steps of grain at detail 1; added to the brightest texture they stay below white. */
const GRAIN_MAX = 72;
/** Extra grain, so that every frame can start at another offset. */
const GRAIN_SPARE_WORDS = 16_384;
/** Horizontal motion per frame, as a part of the width; vertical motion is half of it. */
const SPEED = 1 / 160;
/** Textures remembered: under 1 MB each. */
const REMEMBERED_SEEDS = 4;
/** Colours of successive revisions: far apart on the circle of hues (the golden angle). */
const HUE_STEP_RAD = 2.399963;
const CHROMA_RADIUS = 60;

export class PatternGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #beeps: boolean;
  readonly #grain: Uint32Array;
  readonly #textures = new Map<number, Record<'draft' | 'base', Texture>>();

  /** @throws GlimpseError PARAMETER_INVALID for sides that are odd or under 4 px, or a rate that is not positive. */
  constructor({ widthPx, heightPx, fps, sliceFrames = 8, detail = 0.5, beep = false }: PatternOptions) {
    checkOptions({ widthPx, heightPx, fps, sliceFrames, detail });
    this.#beeps = beep;
    this.info = {
      name: 'pattern',
      conditioning: 'none: a test pattern, not a model',
      slice: { frames: sliceFrames, fps },
      tiers: [
        { tier: 'draft', widthPx: evenHalf(widthPx), heightPx: evenHalf(heightPx) },
        { tier: 'base', widthPx, heightPx },
        { tier: 'refined', widthPx, heightPx },
      ],
      examples: ['test pattern'],
      progressive: true,
      ...(beep && { sound: { channels: 1 } }),
    };
    this.#grain = grainWords((widthPx * heightPx) / 4 + GRAIN_SPARE_WORDS, Math.round(detail * GRAIN_MAX));
  }

  async read(): Promise<PromptReading> {
    return { unknownWords: [], fields: {} };
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const lowest = tierRank(job.startAtTier ?? 'draft');
    const highest = tierRank(job.stopAtTier);
    for (const { tier } of this.info.tiers.filter(
      ({ tier }) => tierRank(tier) >= lowest && tierRank(tier) <= highest,
    )) {
      yield await this.#inTurn(job, tier, options);
    }
  }

  async warmUp(): Promise<void> {
    this.#texturesOf(0);
  }

  async close(): Promise<void> {
    this.#textures.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A tier of a slice is one unit: it takes a few milliseconds. */
  async #inTurn(job: SliceJob, tier: Tier, { signal, turn }: GenerateOptions): Promise<Rendition> {
    if (!turn) return this.#render(job, tier, signal);
    let rendition: Rendition | undefined;
    const run = async (): Promise<void> => {
      rendition = await this.#render(job, tier, signal);
    };
    await turn({ kind: `pattern:${tier}`, run });
    if (!rendition) throw new GlimpseError('GENERATOR_DOWN');
    return rendition;
  }

  async #render({ revision, slice, seed }: SliceJob, tier: Tier, signal: AbortSignal): Promise<Rendition> {
    const frames: I420Frame[] = [];
    let computeMs = 0;
    for (let index = 0; index < this.info.slice.frames; index++) {
      // A frame takes about a millisecond on the thread that also sends packets: yield between frames.
      await nextTurn();
      if (signal.aborted) throw new GlimpseError('ABORTED');
      const startedMs = performance.now();
      frames.push(this.#frame(seed, revision, tier, slice * this.info.slice.frames + index));
      computeMs += performance.now() - startedMs;
    }
    const audio = this.#beeps && { audio: beepSound(slice, this.info.slice) };
    return { revision, slice, tier, frames, computeMs, ...audio };
  }

  #frame(seed: number, revision: number, tier: Tier, number: number): I420Frame {
    const { widthPx, heightPx } = this.#sizeOf(tier);
    const frame: I420Frame = { widthPx, heightPx, data: new Uint8Array(i420Bytes(widthPx, heightPx)) };
    const shiftX = Math.round(number * widthPx * SPEED);
    paintShifted(frame, this.#texturesOf(seed)[tier === 'draft' ? 'draft' : 'base'], shiftX, shiftX >> 1);
    if (tier === 'refined') addGrain(frame, this.#grain, createRandom(seed, number).bits() % GRAIN_SPARE_WORDS);
    if (this.#beeps && isFlash(number, this.info.slice.fps)) paintFlash(frame);
    paintBarCode(frame, number);
    paintColour(frame, revision);
    return frame;
  }

  #sizeOf(tier: Tier): TierInfo {
    const size = this.info.tiers.find((candidate) => candidate.tier === tier);
    if (size === undefined) throw new GlimpseError('PARAMETER_INVALID', { details: { tier } });
    return size;
  }

  #texturesOf(seed: number): Record<'draft' | 'base', Texture> {
    const known = this.#textures.get(seed);
    if (known !== undefined) return known;
    const base = cloudTexture(seed, this.#sizeOf('base').widthPx);
    const made = { draft: halfTexture(base, this.#sizeOf('draft').widthPx), base };
    const oldest = this.#textures.keys().next();
    if (this.#textures.size >= REMEMBERED_SEEDS && oldest.done !== true) this.#textures.delete(oldest.value);
    this.#textures.set(seed, made);
    return made;
  }
}

/** The texture shifted left and up, copied row by row. */
function paintShifted({ data, widthPx, heightPx }: I420Frame, texture: Texture, shiftX: number, shiftY: number): void {
  const { tilePx, strideBytes, luma } = texture;
  for (let y = 0; y < heightPx; y++) {
    const from = ((y + shiftY) % tilePx) * strideBytes + (shiftX % tilePx);
    data.set(luma.subarray(from, from + widthPx), y * widthPx);
  }
}

/** Four pixels at a time: texture and grain together stay below 256, so no byte overflows into its neighbour. */
function addGrain({ data, widthPx, heightPx }: I420Frame, grain: Uint32Array, from: number): void {
  const words = new Uint32Array(data.buffer, data.byteOffset, (widthPx * heightPx) / 4);
  for (let index = 0; index < words.length; index++) {
    words[index] = (words[index] as number) + (grain[from + index] as number);
  }
}

/** White over the middle half of the picture's height. */
function paintFlash({ data, widthPx, heightPx }: I420Frame): void {
  data.fill(235, widthPx * Math.floor(heightPx / 4), widthPx * Math.floor((heightPx * 3) / 4));
}

/** One colour over the whole picture, another for each revision. */
function paintColour({ data, widthPx, heightPx }: I420Frame, revision: number): void {
  const lumaBytes = widthPx * heightPx;
  const chromaBytes = lumaBytes / 4;
  const hue = revision * HUE_STEP_RAD;
  data.fill(128 + CHROMA_RADIUS * Math.cos(hue), lumaBytes, lumaBytes + chromaBytes);
  data.fill(128 + CHROMA_RADIUS * Math.sin(hue), lumaBytes + chromaBytes);
}

/** Half a side, even; at least 2. */
const evenHalf = (sidePx: number): number => Math.max(2, Math.floor(sidePx / 4) * 2);

function checkOptions({ widthPx, heightPx, fps, sliceFrames, detail }: Required<Omit<PatternOptions, 'beep'>>): void {
  const sides = [widthPx, heightPx].every((side) => Number.isInteger(side) && side >= 4 && side % 2 === 0);
  if (sides && fps > 0 && Number.isInteger(sliceFrames) && sliceFrames > 0 && detail >= 0 && detail <= 1) return;
  throw new GlimpseError('PARAMETER_INVALID', { details: { widthPx, heightPx, fps, sliceFrames, detail } });
}
