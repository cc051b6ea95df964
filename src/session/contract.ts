/** Sessions as the signaling layer sees them. `session.ts` and `registry.ts` implement these. */
import type { Emitter } from '../events.ts';
import type { PromptReading } from '../generation/generator.ts';
import type { InputMedia } from '../picture/input-media.ts';
import type { Interpolation } from '../generation/prompt/interpolation.ts';
import type { PromptStretch } from '../generation/prompt/prompt-list.ts';
import type { Variant } from '../generation/grades.ts';
import type { Tier } from '../picture/tiers.ts';
import type { VideoCodec } from '../media/encode/encoder.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { Running } from '../stream/steering.ts';

export type SessionMode = 'live' | 'clip';

export interface SessionRequest {
  /** One prompt, or a list `a | b | c`. */
  prompt: string;
  seed?: number | undefined;
  guidance?: number | undefined;
  /** Slices from one prompt of a list to the next. Default 1. */
  transitionSlices?: number | undefined;
  interpolation?: Interpolation | undefined;
  mode: SessionMode;
  /** Clip length; ignored in live mode. */
  seconds: number;
  codec?: VideoCodec | undefined;
  tierCap?: Tier | undefined;
  /** Id of an upload. */
  input?: string | undefined;
  negativePrompt?: string | undefined;
  steps?: number | undefined;
  cameraMove?: string | undefined;
  adain?: boolean | undefined;
}

/** A request, with what its entry point adds. */
export interface SessionOpening extends SessionRequest {
  /** False where the viewer cannot come back (WHEP): such a session ends with its connection. Default true. */
  resumable?: boolean;
  /** The upload that `input` names. */
  media?: InputMedia;
}

/** The user a session computes for: all sessions of a user divide that user's share. */
export interface User {
  id: string;
  /** Weight of the share relative to other users': over 0, usually 1. */
  weight: number;
}

export type Transition = 'cut' | 'continue';

/** Parameters that any change may carry; steering.ts explains each. */
export interface Change {
  seed?: number | undefined;
  guidance?: number | undefined;
  transition?: Transition | undefined;
  /** Slices that the transition to a new prompt lasts; 0 is a cut. */
  transitionSlices?: number | undefined;
  interpolation?: Interpolation | undefined;
  /** Noise level to which a change raises the running slice; 0 keeps the slice. */
  strength?: number | undefined;
}

export type Control =
  | ({ type: 'prompt'; prompt: string } & Change)
  | ({ type: 'steer'; tierCap?: Tier | undefined } & Change)
  | { type: 'pause' }
  | { type: 'play' }
  | { type: 'seek'; timeMs: number };

export interface Accepted {
  revision: number;
  queuePosition: number;
  /** Expected wait, ms; null while unknown, absent once admitted. */
  waitMs?: number | null;
  seed: number;
  prompt: string;
  reading?: PromptReading;
  /** Outcome for the slice under the playhead; absent for the request that started the session. */
  running?: Running;
  /** Which slices have which prompt, and how each was read; one entry unless the prompt is a list. */
  prompts?: (PromptStretch & { fields?: PromptReading['fields'] | undefined })[];
}

/** Same fields as `sessionStats` in signaling/protocol.ts; a compile-time test keeps them equal. */
export interface SessionStats {
  state: string;
  mode: SessionMode;
  paused: boolean;
  revision: number;
  playheadMs: number;
  durationMs: number | null;
  tier: Tier | null;
  tierCap: Tier;
  widthPx: number;
  heightPx: number;
  targetBps: number;
  sentBps: number;
  fps: number;
  rttMs: number | null;
  lossRatio: number;
  pacerQueueMs: number;
  networkQueueMs: number;
  playoutReserveMs: number;
  estimatorReason: string;
  keyframes: number;
  framesSent: number;
  lateFrames: number;
  nacks: number;
  plis: number;
  packetsSent: number;
  retransmitted: number;
  codec: string;
  timeToConnectMs: number | null;
  timeToFirstFrameMs: number | null;
  timeToDraftMs: number | null;
  timeToRefinedMs: number | null;
}

/** What a viewer's browser has counted since its last report. */
export interface ViewerReport {
  freezes: number;
  frozenMs: number;
}

export interface SessionEvents {
  tier: [
    event: {
      revision: number;
      slice: number;
      tier: Tier;
      startMs: number;
      durationMs: number;
      computeMs: number;
      widthPx: number;
      heightPx: number;
      /** Absent: made by the full part. */
      variant?: Variant | undefined;
      cached?: 'segment' | 'latent' | undefined;
    },
  ];
  playing: [
    event: {
      revision: number;
      slice: number;
      tier: Tier;
      /** Absent: made by the full part. */
      variant?: Variant | undefined;
      rtpTimestamp: number;
      /** Position of the frame in the slice, ms. */
      offsetMs?: number | undefined;
      widthPx: number;
      heightPx: number;
    },
  ];
  stats: [stats: SessionStats];
  /** The session waits for admission, or its place has changed. Position 0: admitted. */
  queue: [event: { position: number; waitMs: number | null }];
  /** Progress of a slice at a slow backend; sent a few times a second at most. */
  progress: [event: { revision: number; slice: number; ratio: number; queuePosition?: number | undefined }];
  /** Text received on the data channel `control`; signaling parses and answers it. */
  channelMessage: [text: string];
  /** A failure that the viewer should know about; the session goes on. */
  error: [error: Error];
  /** The session has ended; nothing follows. */
  closed: [reason: string];
}

export interface Session {
  readonly id: string;
  /** Secret that lets its holder resume the session. */
  readonly resumeToken: string;
  readonly events: Emitter<SessionEvents>;
  /** Answers the first offer, or the offer of a new peer connection of the same session (resume). */
  answer(offerSdp: string): Promise<string>;
  /** Answers the offer of an ICE restart on the current connection. */
  restart(offerSdp: string): Promise<string>;
  addCandidate(candidate: IceCandidate | null): Promise<void>;
  control(message: Control): Promise<Accepted>;
  /** Outcome of the latest accepted request; fills `accepted` after an offer or a resume. */
  readonly accepted: Promise<Accepted>;
  readonly stats: SessionStats;
  /** Adds a viewer's report to the metrics; never throws. */
  report(seen: ViewerReport): void;
  /** Sends text on the data channel `control`; false when the channel is full or not open. */
  sendChannel(text: string): boolean;
  /** Idempotent, never throws. */
  close(reason: string): Promise<void>;
}

export interface SessionRegistry {
  readonly size: number;
  /** @throws GlimpseError SESSION_LIMIT, PROMPT_EMPTY, PROMPT_TOO_LONG, PARAMETER_INVALID, SERVER_CLOSING */
  /** @param user default: a user of its own with weight 1 */
  create(request: SessionOpening, user?: User): Promise<Session>;
  /** Checks that a session could answer this offer, before creating one. @throws GlimpseError as `Session.answer` */
  checkOffer(offerSdp: string, codec: VideoCodec | undefined): void;
  /** @throws GlimpseError SESSION_NOT_FOUND */
  get(id: string): Session;
  /** @throws GlimpseError SESSION_NOT_FOUND, UNAUTHORIZED */
  resume(id: string, resumeToken: string): Session;
  close(reason: string): Promise<void>;
}
