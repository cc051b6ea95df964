/** A stand-in that computes nothing: each tier takes a fixed time by sleeping, one at a time as on one device. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GlimpseError } from '../../src/errors.ts';
import type { GenerateOptions, Generator, GeneratorInfo, Rendition, SliceJob } from '../../src/generation/generator.ts';
import { i420Bytes } from '../../src/picture/frame.ts';
import { tierRank } from '../../src/picture/tiers.ts';

const FRAMES = 8;
/** As many as the embedded model's. */
const LATENTS = 4_096;

export class SleepingGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #tierMs: number;
  readonly #data: Uint8Array;

  /** @param sidePx of the square pictures, even */
  constructor({ tierMs, sidePx }: { tierMs: number; sidePx: number }) {
    const size = { widthPx: sidePx, heightPx: sidePx };
    this.#tierMs = tierMs;
    this.#data = new Uint8Array(i420Bytes(sidePx, sidePx)).map((_, index) => (index * 31) & 0xff);
    this.info = {
      name: 'sleeping',
      conditioning: 'none: a stand-in that sleeps',
      slice: { frames: FRAMES, fps: 12 },
      tiers: [
        { tier: 'draft', ...size },
        { tier: 'base', ...size },
      ],
      examples: ['nothing'],
      progressive: true,
    };
  }

  async read(): Promise<{ unknownWords: string[]; fields: Record<string, string> }> {
    return { unknownWords: [], fields: {} };
  }

  async *generate(job: SliceJob, { signal, turn = (unit) => unit.run() }: GenerateOptions): AsyncGenerator<Rendition> {
    const { revision, slice, startAtTier = 'draft', stopAtTier } = job;
    for (const { tier, widthPx, heightPx } of this.info.tiers) {
      if (tierRank(tier) < tierRank(startAtTier) || tierRank(tier) > tierRank(stopAtTier)) continue;
      if (this.#tierMs > 0) await turn({ kind: 'sleep', run: () => sleep(this.#tierMs) });
      if (signal.aborted) throw new GlimpseError('ABORTED');
      const frames = Array.from({ length: FRAMES }, () => ({ widthPx, heightPx, data: this.#data }));
      yield { revision, slice, tier, frames, computeMs: this.#tierMs, latents: new Float32Array(LATENTS) };
    }
  }

  async warmUp(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
