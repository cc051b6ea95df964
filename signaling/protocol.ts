/**
 * The wire: every message of the `/signal` WebSocket, the `control` data channel and the control API, as zod schemas.
 * One schema gives the check, the type and the OpenAPI document. Unknown types are errors; so are unknown keys of what asks
 * for something, because a misspelt parameter would pass for one that is left out. Other unknown keys are ignored.
 */
import { z } from 'zod';
import { LIMITS } from '../src/limits.ts';

export const PROTOCOL_VERSION = 1;

export const tier = z.enum(['draft', 'base', 'refined', 'upscaled']);
/** How a tier was made: by the full part, or by a smaller one while there is no time for that. */
export const variant = z.enum(['full', 'fast']);
export const seed = z.number().int().min(0).max(0xffff_ffff);
export const guidance = z.number().min(0).max(20);
/** Hold the latents of later slices to the statistics of the first one of the same prompt, against drift. Default false. */
export const adain = z.boolean();
/** Length and emptiness have codes of their own (PROMPT_EMPTY, PROMPT_TOO_LONG), so only the type is checked here. */
export const prompt = z.string();
/** `cut`: the new revision starts from noise. `continue`: it bends the picture on screen. */
const transition = z.enum(['cut', 'continue']);
/** Slices the travel to a new prompt, or from one prompt of a list to the next, lasts. */
const transitionSlices = z.number().int().min(1).max(LIMITS.transitionSlicesMax);
/** The way between two prompts. */
const interpolation = z.enum(['linear', 'spherical']);
/** Noise level the running slice is raised to when it is bent: 0 keeps it, 1 forgets it. */
const strength = z.number().min(0).max(1);
const sdp = z.string();
/** Echoed in the `accepted` or `error` that answers this message. */
const id = z.number().int().optional();

/** What becomes of the running slice is decided by src/session/steering.ts, and said in `accepted`. */
const change = {
  seed: seed.optional(),
  guidance: guidance.optional(),
  /** Default: `cut` where prompt or seed are named, `continue` where they are not, or a strength or a length is. */
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
  /** Id of an upload (`POST /v1/inputs`) to begin from, or to follow; where the generator takes one. */
  input: z.string().max(64).optional(),
  /** What the picture should not have. This and the next three only where `generator.options` of the welcome names them. */
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

/** What may be sent over the WebSocket, the data channel and `POST /v1/sessions/{id}/control` alike. */
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
]);
export type ControlMessage = z.infer<typeof controlMessage>;

export const clientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('offer'), id, sdp, request: generationRequest }),
  /** ICE restart of the live connection. */
  z.object({ type: z.literal('restart'), id, sdp }),
  z.object({ type: z.literal('candidate'), candidate: iceCandidate.nullable() }),
  /** A new connection for a session whose network or socket died; `sdp` offers a new peer connection, if that died too. */
  z.object({ type: z.literal('resume'), id, sessionId: z.string(), resumeToken: z.string(), sdp: sdp.optional() }),
  ...controlMessage.options,
  /** What the viewer saw since its last report; never answered. Counts beyond what a few seconds can hold are refused. */
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
  /** From which slice of the revision on it counts. */
  fromSlice: z.number(),
  /** Over how many slices it is travelled to. */
  travelSlices: z.number(),
  /** What was understood of it; present when the prompt changed. */
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
  /** Estimated queue in the network, ms. */
  networkQueueMs: z.number(),
  /** How long the browser is asked to hold pictures back, so that lost packets are replaced in time; 0 on a clean path. */
  playoutReserveMs: z.number(),
  estimatorReason: z.string(),
  keyframes: z.number(),
  framesSent: z.number(),
  /** Frame instants at which the generator had nothing new and the last frame stood. */
  lateFrames: z.number(),
  nacks: z.number(),
  plis: z.number(),
  packetsSent: z.number(),
  retransmitted: z.number(),
  codec: z.string(),
  /** The latencies of the design, in ms; null until measured. */
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
  /** As in `queue`; absent where it has its turn. */
  waitMs: z.number().nullable().optional(),
  /** Present when the prompt changed. */
  reading: promptReading.optional(),
  /** What the revision is generated with. */
  seed: z.number(),
  /** As it was understood as text; a list with its bars. */
  prompt: z.string(),
  /** What became of the slice under the playhead; absent for what began the session. */
  running: z.enum(['kept', 'bent', 'dropped']).optional(),
  prompts: z.array(promptStretch).optional(),
});
export type AcceptedMessage = z.infer<typeof acceptedMessage>;

/** The body of every failure over HTTP, and with `type` and `id` the `error` message. */
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
      /** What a session may bring to begin from (`POST /v1/inputs`), and whether nothing is made without it. */
      input: z
        .object({ kind: z.enum(['image', 'video']), needed: z.boolean(), maxBytes: z.number().optional() })
        .optional(),
      options: z.array(z.enum(['negativePrompt', 'steps', 'cameraMove', 'adain'])).optional(),
      cameraMoves: z.array(z.string()).optional(),
    }),
    limits: z.object({ promptMaxChars: z.number(), clipSecondsMax: z.number() }),
  }),
  z.object({ type: z.literal('answer'), id, sdp, sessionId: z.string(), resumeToken: z.string() }),
  z.object({ type: z.literal('candidate'), candidate: iceCandidate.nullable() }),
  acceptedMessage,
  /** A slice has reached a tier: generated and on the timeline. Times are timeline ms since the revision began. */
  z.object({
    type: z.literal('tier'),
    revision: z.number(),
    slice: z.number(),
    tier,
    startMs: z.number(),
    durationMs: z.number(),
    /** Time spent on this tier alone; 0 when it was not computed. */
    computeMs: z.number(),
    widthPx: z.number(),
    heightPx: z.number(),
    /** Absent: made by the full part. */
    variant: variant.optional(),
    /** `segment`: made before, replayed. `latent`: begun from a picture of a prompt near this one. */
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
    /** Where in the slice that frame is, ms: a bent slice is entered where the playhead was. */
    offsetMs: z.number().optional(),
    /** Encoded size. */
    widthPx: z.number(),
    heightPx: z.number(),
  }),
  /** The session waits for the machine, or its place in the queue has changed. Its connection is up meanwhile. */
  z.object({
    type: z.literal('queue'),
    /** 0: admitted; n: as the nth of those who wait. */
    position: z.number(),
    /** Expected wait, ms; null while there is nothing to reckon it from. */
    waitMs: z.number().nullable(),
  }),
  /** How far a slice has come at a backend that takes long. Slices of a backend that makes them at once have none. */
  z.object({
    type: z.literal('progress'),
    revision: z.number(),
    slice: z.number(),
    /** Of the tier that is being made, 0 to 1. */
    ratio: z.number(),
    /** Prompts of others before it at the backend itself; 0 or absent when it runs. */
    queuePosition: z.number().optional(),
  }),
  z.object({ type: z.literal('stats'), stats: sessionStats }),
  z.object({ type: z.literal('error'), id, ...errorBody.shape }),
  z.object({ type: z.literal('bye'), reason: z.string(), retryAfterMs: z.number().optional() }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
export type PromptReadingMessage = z.infer<typeof promptReading>;
