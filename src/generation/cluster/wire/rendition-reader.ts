/**
 * Checks what a worker sends for a job, and puts renditions together. A worker may be broken or hostile: job, pack,
 * revision, slice, tier, sizes and counts must be what was asked for, and in order, before a byte is used.
 */
import { i420Bytes } from '../../../picture/frame.ts';
import { sliceSamples } from '../../../picture/sound.ts';
import { tierRank, type Tier } from '../../../picture/tiers.ts';
import { gradeOf, gradeRank, type Grade } from '../../grades.ts';
import type { GeneratorInfo, Rendition, SliceJob } from '../../generator.ts';
import { malformed } from './envelope.ts';
import { areFinite, Collected, floatsOf } from './floats.ts';
import { WIRE } from './limits.ts';
import type { RenditionHead } from './messages.ts';

export interface Expected {
  /** Id of the job. */
  job: string;
  pack: string;
  slice: Pick<SliceJob, 'revision' | 'slice' | 'startAtTier' | 'stopAtTier' | 'previous' | 'start'>;
  info: Pick<GeneratorInfo, 'slice' | 'tiers' | 'sound'>;
}

export class RenditionReader {
  readonly #expected: Expected;
  #pending: { head: RenditionHead; collected: Collected } | undefined;
  /** The grade that is being sent in runs, and how far it is; the next must follow. */
  #grade: Grade | undefined;
  #framesOfGrade = 0;
  #latents: number | undefined;
  #drafts = 0;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#latents = expected.slice.previous?.length ?? expected.slice.start?.latents.length;
  }

  /** True between the head of a rendition and its last byte. */
  get reading(): boolean {
    return this.#pending !== undefined;
  }

  /** @throws GlimpseError CLUSTER_PROTOCOL for a head that does not fit the job */
  begin(head: RenditionHead): void {
    if (this.#pending) throw malformed('a rendition within another');
    this.#checkPlace(head);
    this.#checkSize(head);
    const { frames, widthPx, heightPx, latents, audio } = head;
    const floats = latents + (audio?.samples ?? 0);
    const bytes = frames * i420Bytes(widthPx, heightPx) + floats * Float32Array.BYTES_PER_ELEMENT;
    this.#pending = { head, collected: new Collected(bytes) };
  }

  /**
   * @returns the rendition, with its last byte
   * @throws GlimpseError CLUSTER_PROTOCOL for bytes that were not announced, or latents that are no numbers
   */
  add(bytes: Uint8Array): Rendition | undefined {
    if (!this.#pending) throw malformed('bytes of no rendition');
    const { head, collected } = this.#pending;
    if (!collected.add(bytes)) throw malformed('other bytes than announced');
    if (!collected.complete) return undefined;
    this.#pending = undefined;
    return renditionOf(head, collected.bytes);
  }

  #checkPlace(head: RenditionHead): void {
    const { job, pack, slice } = this.#expected;
    if (head.job !== job || head.revision !== slice.revision || head.slice !== slice.slice)
      throw malformed('a rendition of another job');
    if (head.pack !== pack) throw malformed('a rendition of another pack');
    const lowest: Tier = slice.startAtTier ?? 'draft';
    const isAsked = tierRank(head.tier) >= tierRank(lowest) && tierRank(head.tier) <= tierRank(slice.stopAtTier);
    if (!isAsked) throw malformed('a tier that was not asked for');
  }

  #checkSize(head: RenditionHead): void {
    const { info } = this.#expected;
    const tier = info.tiers.find((candidate) => candidate.tier === head.tier);
    const size = head.variant === 'fast' ? tier?.fast : tier;
    if (head.widthPx !== size?.widthPx || head.heightPx !== size.heightPx) throw malformed('pictures of another size');
    const grade = gradeOf(head);
    const first = head.firstFrame ?? 0;
    const continues = grade === this.#grade && this.#framesOfGrade < info.slice.frames;
    const isBetter = this.#grade === undefined || gradeRank(grade) > gradeRank(this.#grade);
    const isClearer = grade === 'draft' && this.#grade === 'draft' && ++this.#drafts < WIRE.draftsMax;
    const follows = continues ? first === this.#framesOfGrade : first === 0 && (isBetter || isClearer);
    if (!follows || first + head.frames > info.slice.frames) throw malformed('frames out of order');
    if (!continues && head.firstFrame === undefined && head.frames !== info.slice.frames)
      throw malformed('another number of frames');
    if (head.latents > 0 && this.#latents !== undefined && head.latents !== this.#latents)
      throw malformed('latents of another length');
    if (head.latents > 0) this.#latents = head.latents;
    this.#checkSound(head);
    this.#grade = grade;
    this.#framesOfGrade = first + head.frames;
  }

  #checkSound({ audio, slice }: RenditionHead): void {
    if (!audio) return;
    const { info } = this.#expected;
    const { from, to } = sliceSamples(slice, info.slice);
    if (
      info.sound === undefined ||
      audio.channels > info.sound.channels ||
      audio.samples !== (to - from) * audio.channels
    )
      throw malformed('sound of another length');
  }
}

function renditionOf(head: RenditionHead, bytes: Uint8Array): Rendition {
  const { revision, slice, tier, variant, widthPx, heightPx, firstFrame, computeMs, cached, reduced } = head;
  const frameBytes = i420Bytes(widthPx, heightPx);
  const frames = Array.from({ length: head.frames }, (_, index) => ({
    widthPx,
    heightPx,
    data: bytes.subarray(index * frameBytes, (index + 1) * frameBytes),
  }));
  const soundAt = head.frames * frameBytes + head.latents * Float32Array.BYTES_PER_ELEMENT;
  const latents = head.latents === 0 ? undefined : floatsOf(bytes.subarray(head.frames * frameBytes, soundAt));
  if (latents && !areFinite(latents)) throw malformed('latents that are no numbers');
  const audio = head.audio && { channels: head.audio.channels, samples: floatsOf(bytes.subarray(soundAt)) };
  if (audio && !areFinite(audio.samples)) throw malformed('sound that is no numbers');
  return {
    revision,
    slice,
    tier,
    frames,
    computeMs,
    ...(variant === undefined ? {} : { variant }),
    ...(firstFrame === undefined ? {} : { firstFrame }),
    ...(latents === undefined ? {} : { latents }),
    ...(audio === undefined ? {} : { audio }),
    ...(cached === undefined ? {} : { cached }),
    ...(reduced === undefined ? {} : { reduced }),
  };
}
