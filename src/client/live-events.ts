/** The events and controls of a `Live` stream, as types. */
import type { ClientMessage } from './wire.ts';
import type { GlimpseClientError } from './errors.ts';
import type {
  Accepted,
  Message,
  PlayingEvent,
  ProgressEvent,
  RoomEvent,
  SteeredEvent,
  Tier,
  TierEvent,
} from './options.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'closed';
export type Stats = Message<'stats'>['stats'];
export type Transition = NonNullable<Extract<ClientMessage, { type: 'steer' }>['transition']>;
export type Interpolation = NonNullable<Extract<ClientMessage, { type: 'steer' }>['interpolation']>;

/** Current limits set by the network and the machine. */
export interface Quality {
  widthPx: number;
  heightPx: number;
  tierCap: Tier;
  codec: string;
}

export interface LiveEvents {
  /** A slice has been made at a tier and is on the timeline. */
  tier: [event: TierEvent];
  /** From this RTP timestamp on, a slice plays at a tier. */
  playing: [event: PlayingEvent];
  /** `reason` is text for people; empty when there is none. */
  state: [state: LiveState, reason: string];
  /** Once a second. */
  stats: [stats: Stats];
  /** The encoded size, the codec or the highest tier computed has changed. */
  quality: [quality: Quality];
  /** 0: being generated now; n: place in the queue, for about `waitMs` more (null: unknown). */
  queue: [position: number, waitMs: number | null];
  /** Progress of a slice (`ratio`, 0 to 1), where a slice takes seconds to make. */
  progress: [event: ProgressEvent];
  /** A revision begins: after `connect`, a control, or a reconnection with a new session. */
  accepted: [accepted: Accepted];
  /** Joined a room, or someone has joined, left or changed. */
  room: [room: RoomEvent];
  /** A member of the room, perhaps this one, has changed what the stream shows. */
  steered: [event: SteeredEvent];
  /** A new session replaces a lost one; revisions and slices restart from zero. `accepted` follows. */
  session: [sessionId: string];
  /** A sound track is in `stream`: for the first time, or again after a reconnection. */
  sound: [];
  /** An error; the stream continues unless the state becomes `closed`. */
  error: [error: GlimpseClientError];
}

export interface PromptChange {
  seed?: number;
  guidance?: number;
  /**
   * `cut` starts from noise, `continue` from the picture on screen. Default: `cut` where prompt or seed are given,
   * `continue` where they are not, or where one of the next three is.
   */
  transition?: Transition;
  /** Length of a transition to another prompt, slices, 1 … 8. Default 1. */
  transitionSlices?: number;
  /** Interpolation between two prompts. Default `linear`. */
  interpolation?: Interpolation;
  /** How strongly the running slice is renoised: 0 keeps it, 1 discards it. Default 0.6. */
  strength?: number;
}

export interface Steering extends PromptChange {
  tierCap?: Tier;
}
