/** What a live stream tells the page, and what the page may change: the vocabulary of `Live`. */
import type { ClientMessage } from '../../signaling/protocol.ts';
import type { GlimpseClientError } from './errors.ts';
import type { Accepted, Message, PlayingEvent, Tier, TierEvent } from './options.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'closed';
export type Stats = Message<'stats'>['stats'];
export type Transition = Extract<ClientMessage, { type: 'steer' }>['transition'];

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
  /** 0: being generated now; n: n sessions are before this one. */
  queue: [position: number];
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
  /** `cut` (default) starts from noise, `continue` from the picture on screen. */
  transition?: Transition;
}

export interface Steering extends PromptChange {
  tierCap?: Tier;
}
