/** What a live stream tells the page, and what the page may change: the vocabulary of `Live`. */
import type { ClientMessage } from './wire.ts';
import type { GlimpseClientError } from './errors.ts';
import type { Accepted, Message, PlayingEvent, ProgressEvent, Tier, TierEvent } from './options.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'closed';
export type Stats = Message<'stats'>['stats'];
export type Transition = NonNullable<Extract<ClientMessage, { type: 'steer' }>['transition']>;
export type Interpolation = NonNullable<Extract<ClientMessage, { type: 'steer' }>['interpolation']>;

/** What the network and the machine allow at the moment. */
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
  /** `reason` says why, for people; empty when there is nothing to say. */
  state: [state: LiveState, reason: string];
  /** Once a second. */
  stats: [stats: Stats];
  /** The encoded size, the codec or the highest tier computed has changed. */
  quality: [quality: Quality];
  /** 0: being generated now; n: this session is the nth of those who wait, for about `waitMs` more (null: nobody knows). */
  queue: [position: number, waitMs: number | null];
  /** How far a slice has come (`ratio`, 0 to 1), where a slice takes seconds to make. */
  progress: [event: ProgressEvent];
  /** A revision begins: after `connect`, a control, or a reconnection that had to start anew. */
  accepted: [accepted: Accepted];
  /** A new session stands in for one that was lost; revisions and slices count anew. `accepted` follows. */
  session: [sessionId: string];
  /** Something failed; unless the state turns `closed`, the stream goes on. */
  error: [error: GlimpseClientError];
}

export interface PromptChange {
  seed?: number;
  guidance?: number;
  /**
   * `cut` starts from noise, `continue` bends the picture on screen. Default: `cut` where prompt or seed are named,
   * `continue` where they are not, or one of the next three is.
   */
  transition?: Transition;
  /** Slices a bend to another prompt lasts, 1 … 8. Default 1. */
  transitionSlices?: number;
  /** The way between two prompts. Default `linear`. */
  interpolation?: Interpolation;
  /** How far the running slice is made anew when it is bent: 0 keeps it, 1 forgets it. Default 0.6. */
  strength?: number;
}

export interface Steering extends PromptChange {
  tierCap?: Tier;
}
