/**
 * The wire: every message of the `/signal` WebSocket, the `control` data channel and the control API, as zod schemas.
 * One schema gives the check, the type and the OpenAPI document. Unknown types are errors. So are unknown keys of
 * requests, because a misspelt parameter would pass for an omitted one. Other unknown keys are ignored.
 */
import { z } from 'zod';
import { LIMITS } from '../src/limits.ts';
import { roomMember, roomMessage, roomRequest } from './room-messages.ts';

export const PROTOCOL_VERSION = 1;

export const tier = z.enum(['draft', 'base', 'refined', 'upscaled']);
/** How a tier was made: by the full part, or by a smaller one when the full part is too slow. */
export const variant = z.enum(['full', 'fast']);
export const seed = z.number().int().min(0).max(0xffff_ffff);
export const guidance = z.number().min(0).max(20);
/** Hold the latents of later slices to the statistics of the first one of the same prompt, against drift. Default false. */
export const adain = z.boolean();
/** Only the type is checked here: length and emptiness have error codes, PROMPT_EMPTY and PROMPT_TOO_LONG. */
export const prompt = z.string();
/** `cut`: the new revision starts from noise. `continue`: it starts from the picture on screen. */
const transition = z.enum(['cut', 'continue']);
/** Length in slices of the transition to a new prompt, or from one prompt of a list to the next. */
const transitionSlices = z.number().int().min(1).max(LIMITS.transitionSlicesMax);
/** Interpolation between two prompts. */
const interpolation = z.enum(['linear', 'spherical']);
/** Noise level to which the running slice is renoised: 0 keeps it, 1 discards it. */
const strength = z.number().min(0).max(1);
const sdp = z.string();
/** Echoed in the `accepted` or `error` that answers this message. */
const id = z.number().int().optional();

/** src/session/steering.ts decides what happens to the running slice; `accepted` reports it. */
const change = {
  seed: seed.optional(),
  guidance: guidance.optional(),
  /** Default: `cut` where prompt or seed are given; `continue` where they are not, or a strength or length is. */
  transition: transition.optional(),
  transitionSlices: transitionSlices.optional(),
  interpolation: interpolation.optional(),
  strength: strength.optional(),
};

export const generationRequest = z.strictObject({
  prompt,
  seed: seed.optional(),
  guidance: guidance.optional(),
  /** For a list of prompts, `a | b | c`. Default 1. */
  transitionSlices: transitionSlices.optional(),
  interpolation: interpolation.optional(),
  mode: z.enum(['live', 'clip']).default('live'),
  /** Clip length in seconds; ignored in live mode. */
  seconds: z.number().min(LIMITS.clipSecondsMin).max(LIMITS.clipSecondsMax).default(4),
  codec: z.enum(['VP8', 'H264']).optional(),
  tierCap: tier.optional(),
  /** Id of an upload (`POST /v1/inputs`) to begin from, or to follow, if the generator supports it. */
  input: z.string().max(64).optional(),
  /** What to keep out of the picture. This and the next three only if `generator.options` of the welcome has them. */
  negativePrompt: z.string().max(LIMITS.promptMaxChars).optional(),
  /** Denoise steps of the first stage. */
  steps: z.number().int().min(1).max(100).optional(),
  /** One of `generator.cameraMoves` of the welcome. */
  cameraMove: z.string().max(40).optional(),
  adain: adain.optional(),
});
export type GenerationRequest = z.infer<typeof generationRequest>;

export const iceCandidate = z.object({
  candidate: z.string().max(LIMITS.candidateMaxBytes),
  sdpMid: z.string().nullish(),
  sdpMLineIndex: z.number().int().nullish(),
  usernameFragment: z.string().nullish(),
});

/** Accepted over the WebSocket, the data channel and `POST /v1/sessions/{id}/control` alike. */
export const controlMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('prompt'),
    id,
    prompt,
    ...change,
  }),
  z.strictObject({ type: z.literal('steer'), id, ...change, tierCap: tier.optional() }),
  z.strictObject({ type: z.literal('pause'), id }),
  z.strictObject({ type: z.literal('play'), id }),
  /** Clip mode only: jump to a time. */
  z.strictObject({ type: z.literal('seek'), id, timeMs: z.number().min(0) }),
  /** Makes a room of the running stream, with this viewer as its host; `as` is the name to show to the others. */
  z.strictObject({ type: z.literal('share'), id, ...roomRequest.pick({ as: true, everyone: true }).shape }),
  /** Hosts of a room only: ends it for all. */
  z.strictObject({ type: z.literal('endRoom'), id }),
]);
export type ControlMessage = z.infer<typeof controlMessage>;

export const clientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('offer'), id, sdp, request: generationRequest, room: roomRequest.optional() }),
  /** ICE restart of the live connection. */
  z.object({ type: z.literal('restart'), id, sdp }),
  z.object({ type: z.literal('candidate'), candidate: iceCandidate.nullable() }),
  /** A new connection for a session whose network or socket died; `sdp` offers a new peer connection if needed. */
  z.object({ type: z.literal('resume'), id, sessionId: z.string(), resumeToken: z.string(), sdp: sdp.optional() }),
  ...controlMessage.options,
  /** Freezes since the viewer's last report; never answered. Counts too large for a few seconds are refused. */
  z.object({
    type: z.literal('report'),
    freezes: z.number().int().min(0).max(100),
    frozenMs: z.number().min(0).max(60_000),
  }),
  z.object({ type: z.literal('bye') }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

const iceServer = z.object({
  urls: z.union([z.string(), z.array(z.string())]),
  username: z.string().optional(),
  credential: z.string().optional(),
});

export const promptReading = z.object({ unknownWords: z.array(z.string()), fields: z.record(z.string(), z.string()) });

const promptStretch = z.object({
  prompt: z.string(),
  /** The slice of the revision from which it applies. */
  fromSlice: z.number(),
  /** Length of the transition to it, slices. */
  travelSlices: z.number(),
  /** How it was understood; present when the prompt changed. */
  fields: promptReading.shape.fields.optional(),
});

export const sessionStats = z.object({
  state: z.string(),
  mode: z.enum(['live', 'clip']),
  paused: z.boolean(),
  revision: z.number(),
  /** Timeline time on screen, ms. In clip mode it wraps at the clip's length. */
  playheadMs: z.number(),
  durationMs: z.number().nullable(),
  tier: tier.nullable(),
  tierCap: tier,
  widthPx: z.number(),
  heightPx: z.number(),
  targetBps: z.number(),
  sentBps: z.number(),
  /** Frames sent in the last second. */
  fps: z.number(),
  rttMs: z.number().nullable(),
  lossRatio: z.number(),
  /** Media waiting in the pacer, ms. */
  pacerQueueMs: z.number(),
  /** Estimated queueing delay in the network, ms. */
  networkQueueMs: z.number(),
  /** Playout delay requested from the browser, so that lost packets are replaced in time; 0 on a clean path. */
  playoutReserveMs: z.number(),
  estimatorReason: z.string(),
  keyframes: z.number(),
  framesSent: z.number(),
  /** Frame times at which the generator had nothing new and the last frame was repeated. */
  lateFrames: z.number(),
  nacks: z.number(),
  plis: z.number(),
  packetsSent: z.number(),
  retransmitted: z.number(),
  codec: z.string(),
  /** The latencies of docs/metrics.md, in ms; null until measured. */
  timeToConnectMs: z.number().nullable(),
  timeToFirstFrameMs: z.number().nullable(),
  timeToDraftMs: z.number().nullable(),
  timeToRefinedMs: z.number().nullable(),
});
export type SessionStats = z.infer<typeof sessionStats>;

/** Answers `offer` (after its `answer`), `resume` and every control message. */
export const acceptedMessage = z.object({
  type: z.literal('accepted'),
  id,
  revision: z.number(),
  /** As in `queue`. */
  queuePosition: z.number(),
  /** As in `queue`; absent when it is admitted. */
  waitMs: z.number().nullable().optional(),
  /** Present when the prompt changed. */
  reading: promptReading.optional(),
  /** The parameters of the revision. */
  seed: z.number(),
  /** As normalised text; a list with its bars. */
  prompt: z.string(),
  /** What happened to the slice under the playhead; absent for the first revision of a session. */
  running: z.enum(['kept', 'bent', 'dropped']).optional(),
  prompts: z.array(promptStretch).optional(),
});
export type AcceptedMessage = z.infer<typeof acceptedMessage>;

/** A member of a room has changed what the stream shows; sent to all members. The last change wins. */
const steeredMessage = z.object({
  type: z.literal('steered'),
  by: roomMember.pick({ id: true, name: true }),
  ...acceptedMessage.pick({ revision: true, seed: true, prompt: true, reading: true, prompts: true }).shape,
});

/** The body of every HTTP failure, and with `type` and `id` the `error` message. */
export const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.number().optional(),
});

export const serverMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    protocol: z.literal(PROTOCOL_VERSION),
    iceServers: z.array(iceServer),
    generator: z.object({
      name: z.string(),
      conditioning: z.string(),
      slice: z.object({ frames: z.number(), fps: z.number() }),
      tiers: z.array(
        z.object({
          tier,
          widthPx: z.number(),
          heightPx: z.number(),
          /** Size of the pictures of its fast variant, where it has one. */
          fast: z.object({ widthPx: z.number(), heightPx: z.number() }).optional(),
        }),
      ),
      examples: z.array(z.string()),
      /** A camera is followed. */
      live: z.boolean().optional(),
      /** Input that a session may begin from (`POST /v1/inputs`), and whether it is required. */
      input: z
        .object({ kind: z.enum(['image', 'video']), needed: z.boolean(), maxBytes: z.number().optional() })
        .optional(),
      options: z.array(z.enum(['negativePrompt', 'steps', 'cameraMove', 'adain'])).optional(),
      cameraMoves: z.array(z.string()).optional(),
    }),
    limits: z.object({ promptMaxChars: z.number(), clipSecondsMax: z.number() }),
  }),
  z.object({ type: z.literal('answer'), id, sdp, sessionId: z.string(), resumeToken: z.string() }),
  acceptedMessage,
  /** A slice has reached a tier: generated and on the timeline. Times are timeline ms since the revision began. */
  z.object({
    type: z.literal('tier'),
    revision: z.number(),
    slice: z.number(),
    tier,
    startMs: z.number(),
    durationMs: z.number(),
    /** Time spent on this tier alone; 0 when it was replayed. */
    computeMs: z.number(),
    widthPx: z.number(),
    heightPx: z.number(),
    /** Absent: made by the full part. */
    variant: variant.optional(),
    /** `segment`: replayed from a cache. `latent`: started from a picture of a similar prompt. */
    cached: z.enum(['segment', 'latent']).optional(),
  }),
  /** From the frame with this RTP timestamp on, the picture on screen is this slice at this tier. */
  z.object({
    type: z.literal('playing'),
    revision: z.number(),
    slice: z.number(),
    tier,
    /** Absent: made by the full part. */
    variant: variant.optional(),
    rtpTimestamp: z.number(),
    /** Offset of that frame in the slice, ms: a renoised slice is entered where the playhead was. */
    offsetMs: z.number().optional(),
    /** Encoded size. */
    widthPx: z.number(),
    heightPx: z.number(),
  }),
  /** The session waits for the machine, or its place in the queue has changed. Its connection is already up. */
  z.object({
    type: z.literal('queue'),
    /** 0: admitted; n: place in the queue. */
    position: z.number(),
    /** Expected wait, ms; null while there is nothing to estimate it from. */
    waitMs: z.number().nullable(),
  }),
  /** Progress of a slice at a backend that takes long. A backend that makes slices at once sends none. */
  z.object({
    type: z.literal('progress'),
    revision: z.number(),
    slice: z.number(),
    /** Of the tier in progress, 0 to 1. */
    ratio: z.number(),
    /** Other prompts ahead of it at the backend itself; 0 or absent when it runs. */
    queuePosition: z.number().optional(),
  }),
  z.object({ type: z.literal('stats'), stats: sessionStats }),
  roomMessage,
  steeredMessage,
  z.object({ type: z.literal('error'), id, ...errorBody.shape }),
  z.object({ type: z.literal('bye'), reason: z.string(), retryAfterMs: z.number().optional() }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
export type PromptReadingMessage = z.infer<typeof promptReading>;
