/**
 * The messages of a cluster, as schemas: what they say, what they may say, and their types. A header holds names and
 * numbers; pictures and latents travel as bytes beside it. Unknown fields are dropped.
 */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../../errors.ts';
import { LIMITS } from '../../../limits.ts';
import { TIERS } from '../../../picture/tiers.ts';
import { VARIANTS } from '../../grades.ts';
import { WIRE } from './limits.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
/** A digest or a name with a digest; never shown to viewers. */
const pack = z.string().min(1).max(256);
const tier = z.enum(TIERS);
const variant = z.enum(VARIANTS);
const whole = (max: number) => z.number().int().min(0).max(max);
const ms = z.number().min(0).max(1e12);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const prompt = z.string().max(LIMITS.promptMaxChars);
const floats = whole(WIRE.latentsMax);
const code = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]).catch('GENERATOR_DOWN');

export const STATES = ['warming', 'ready', 'draining'] as const;

/** Every 250 ms from each worker: what it is and how busy. */
export const beatSchema = z.object({
  type: z.literal('beat'),
  id,
  /** For people: the machine's name unless chosen. */
  name: z.string().min(1).max(WIRE.idMaxChars),
  pack,
  state: z.enum(STATES),
  /** Increases with each beat, so that one from before a restart of the network is told apart. */
  count: whole(Number.MAX_SAFE_INTEGER),
  /** Jobs that compute or wait for their turn. */
  jobs: whole(100_000),
  /** Streams that hold a lease. */
  leases: whole(1_000_000),
  /** Jobs it accepts at once. */
  jobsMax: whole(100_000),
  /** Compute time of what waits there, ms. */
  backlogMs: ms,
  /** Measured compute time of each tier of a slice, ms. */
  costsMs: z.partialRecord(tier, ms),
});
export type Beat = z.infer<typeof beatSchema>;

/** Highest tier still to make, the claim with which the worker's scheduler orders the job, relative to now. */
const urgency = {
  rank: whole(3),
  /** Until the result is needed, ms from the sending; clocks of two machines need not agree. */
  dueInMs: z.number().min(-1e9).max(1e12).nullable(),
};

const options = z.object({
  negativePrompt: prompt.optional(),
  steps: whole(1_000).optional(),
  cameraMove: z.string().max(100).optional(),
  adain: z.boolean().optional(),
});

const sliceJob = z.object({
  revision: whole(Number.MAX_SAFE_INTEGER),
  slice: whole(Number.MAX_SAFE_INTEGER),
  prompt,
  seed: whole(2 ** 32 - 1),
  guidance: z.number().optional(),
  startMs: z.number(),
  startAtTier: tier.optional(),
  stopAtTier: tier,
  mix: z
    .object({ towards: prompt, amount: z.number().min(0).max(1), interpolation: z.enum(['linear', 'spherical']) })
    .optional(),
  maxSteps: whole(1_000).optional(),
  options: options.optional(),
});
export type WireJob = z.infer<typeof sliceJob>;

/** Floats of each set of latents, in the order in which their bytes follow. */
const latents = z.object({
  previous: floats.optional(),
  start: floats.optional(),
  reference: floats.optional(),
  /** Noise level of `start`. */
  strength: z.number().min(0).max(1).optional(),
});

const media = z.object({
  kind: z.enum(['image', 'video']),
  mediaType: z.enum(['image/png', 'video/mp4']),
  sha256,
  bytes: whole(LIMITS.inputResultMaxBytes),
});

export const openSchema = z.object({
  type: z.literal('open'),
  job: id,
  gateway: id,
  pack,
  /** The stream that asks; its lease is granted or renewed. */
  stream: z.string().min(1).max(128),
  user: z.string().max(256),
  weight: z.number().positive().max(1e6),
  slice: sliceJob,
  latents,
  input: media.optional(),
  /** Bytes that follow in `part` messages. */
  bytes: whole(WIRE.jobMaxBytes),
  /** Bytes that may be sent back before more credit comes. */
  credit: whole(WIRE.windowBytes),
});
export type Open = z.infer<typeof openSchema>;

/** From a gateway to a worker. */
export const toWorkerSchema = z.discriminatedUnion('type', [
  openSchema,
  /** Bytes of the job, in order. */
  z.object({ type: z.literal('part'), job: id }),
  /** Bytes of the upload, in order; the worker has asked for them. */
  z.object({ type: z.literal('input'), job: id }),
  /** Make the next rendition. */
  z.object({ type: z.literal('pull'), job: id, variant: variant.optional(), ...urgency }),
  z.object({ type: z.literal('credit'), job: id, bytes: whole(WIRE.windowBytes) }),
  z.object({ type: z.literal('cancel'), job: id }),
  /** Each 250 ms while the gateway has jobs there: those it still wants. */
  z.object({ type: z.literal('alive'), gateway: id, jobs: z.array(id).max(WIRE.jobsMax) }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

export const renditionSchema = z.object({
  type: z.literal('rendition'),
  job: id,
  pack,
  revision: whole(Number.MAX_SAFE_INTEGER),
  slice: whole(Number.MAX_SAFE_INTEGER),
  tier,
  variant: variant.optional(),
  frames: z.number().int().min(1).max(WIRE.framesMax),
  widthPx: z.number().int().min(2).max(WIRE.sideMaxPx),
  heightPx: z.number().int().min(2).max(WIRE.sideMaxPx),
  firstFrame: whole(WIRE.framesMax).optional(),
  /** Floats of the latents that follow the frames. */
  latents: floats,
  /** The slice's sound follows the latents: floats, interleaved. */
  audio: z.object({ channels: z.union([z.literal(1), z.literal(2)]), samples: whole(WIRE.samplesMax) }).optional(),
  computeMs: ms,
  cached: z.enum(['segment', 'latent']).optional(),
  reduced: z.boolean().optional(),
});
export type RenditionHead = z.infer<typeof renditionSchema>;

/** `unknown`: the worker does not hold this job, or gave it up because its gateway was not heard. */
export const REFUSALS = ['draining', 'full', 'pack', 'warming', 'unknown'] as const;

/** From a worker to a gateway, on the job's own subject. */
export const toGatewaySchema = z.discriminatedUnion('type', [
  renditionSchema,
  /** Bytes of the rendition announced last, in order. */
  z.object({ type: z.literal('chunk'), job: id }),
  z.object({
    type: z.literal('progress'),
    job: id,
    ratio: z.number().min(0).max(1),
    queuePosition: whole(100_000).optional(),
  }),
  /** The worker's generator failed and tries again. */
  z.object({ type: z.literal('retry'), job: id, code }),
  /** It lacks this upload. */
  z.object({ type: z.literal('needs'), job: id, sha256 }),
  /** The last tier is sent. */
  z.object({ type: z.literal('end'), job: id }),
  z.object({ type: z.literal('refused'), job: id, reason: z.enum(REFUSALS).catch('full') }),
  z.object({
    type: z.literal('failed'),
    job: id,
    code,
    message: z.string().max(500).optional(),
    retryAfterMs: ms.optional(),
  }),
]);
export type ToGateway = z.infer<typeof toGatewaySchema>;

/** Questions to one node. */
export const askSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('describe') }),
  z.object({ type: z.literal('read'), prompt }),
  z.object({ type: z.literal('embed'), prompt }),
  z.object({ type: z.literal('leases') }),
  z.object({ type: z.literal('drain') }),
]);
export type Ask = z.infer<typeof askSchema>;

export const readingSchema = z.object({
  type: z.literal('reading'),
  unknownWords: z.array(z.string().max(LIMITS.promptMaxChars)).max(LIMITS.promptMaxChars),
  fields: z.record(z.string().max(100), z.string().max(LIMITS.promptMaxChars)),
});

export const leasesSchema = z.object({
  type: z.literal('leases'),
  /** At most the newest 200. */
  leases: z.array(z.object({ stream: z.string().max(128), gateway: id, ageMs: ms })).max(200),
});

/** The floats follow as bytes. */
export const embeddingSchema = z.object({ type: z.literal('embedding'), floats: floats.max(65_536) });
export const doneSchema = z.object({ type: z.literal('done') });
export const refusalSchema = z.object({ type: z.literal('failed'), code });
