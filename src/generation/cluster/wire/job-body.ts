/** A slice job as a header and bytes, and back. An upload travels apart, and only to workers that lack it. */
import type { InputMedia } from '../../../picture/input-media.ts';
import type { SliceJob } from '../../generator.ts';
import { malformed } from './envelope.ts';
import { areFinite, bytesOf, floatsOf } from './floats.ts';
import type { Open, WireJob } from './messages.ts';

export interface PackedJob {
  slice: WireJob;
  latents: Open['latents'];
  /** Latents in the order previous, start, reference. */
  parts: Uint8Array[];
  bytes: number;
}

export function packJob(job: SliceJob): PackedJob {
  const { previous, start, reference, input: _input, ...slice } = job;
  const parts = [previous, start?.latents, reference].flatMap((floats) => (floats ? [bytesOf(floats)] : []));
  return {
    slice,
    latents: {
      previous: previous?.length,
      start: start?.latents.length,
      reference: reference?.length,
      strength: start?.strength,
    },
    parts,
    bytes: parts.reduce((sum, { length }) => sum + length, 0),
  };
}

/** Bytes that the latents of a job take, from their announced lengths. */
export const latentBytes = ({ previous = 0, start = 0, reference = 0 }: Open['latents']): number =>
  (previous + start + reference) * Float32Array.BYTES_PER_ELEMENT;

/** @throws GlimpseError CLUSTER_PROTOCOL if the bytes are not what the header announced, or no numbers */
export function unpackJob(
  { slice, latents }: Pick<Open, 'slice' | 'latents'>,
  body: Uint8Array,
  input?: InputMedia,
): SliceJob {
  if (body.length !== latentBytes(latents)) throw malformed('a job with other bytes than announced');
  let at = 0;
  const take = (length: number | undefined): Float32Array | undefined => {
    if (length === undefined) return undefined;
    const floats = floatsOf(body.subarray(at, at + length * Float32Array.BYTES_PER_ELEMENT));
    at += floats.byteLength;
    if (!areFinite(floats)) throw malformed('latents that are no numbers');
    return floats;
  };
  const [previous, start, reference] = [take(latents.previous), take(latents.start), take(latents.reference)];
  const { guidance, startAtTier, mix, maxSteps, options, ...rest } = slice;
  return {
    ...rest,
    ...(guidance === undefined ? {} : { guidance }),
    ...(startAtTier === undefined ? {} : { startAtTier }),
    ...(mix === undefined ? {} : { mix }),
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(options === undefined ? {} : { options }),
    ...(previous === undefined ? {} : { previous }),
    ...(start === undefined ? {} : { start: { latents: start, strength: latents.strength ?? 0 } }),
    ...(reference === undefined ? {} : { reference }),
    ...(input === undefined ? {} : { input }),
  };
}
