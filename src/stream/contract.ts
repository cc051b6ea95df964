/** A stream's words: what starts and steers one, and what it tells those who watch. */
import type { GlimpseError } from '../errors.ts';
import type { PromptReading, Rendition, WorkflowOptions } from '../generation/generator.ts';
import type { Interpolation } from '../generation/prompt/interpolation.ts';
import type { PromptStretch } from '../generation/prompt/prompt-list.ts';
import type { Variant } from '../generation/grades.ts';
import type { Tier } from '../picture/tiers.ts';

export type StreamMode = 'live' | 'clip';

/** The user a stream computes for: all streams of a user divide that user's share. */
export interface User {
  id: string;
  /** Weight of the share relative to other users': over 0, usually 1. */
  weight: number;
}

/** What is made: prompts, their transitions, and the options of a workflow. */
export interface StreamRequest extends WorkflowOptions {
  /** One prompt, or a list `a | b | c`. */
  prompt: string;
  seed?: number | undefined;
  guidance?: number | undefined;
  /** Slices from one prompt of a list to the next. Default 1. */
  transitionSlices?: number | undefined;
  interpolation?: Interpolation | undefined;
  mode: StreamMode;
  /** Clip length; ignored in live mode. */
  seconds: number;
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

/** What became of the slice under the playhead after a change; steering.ts explains each. */
export type Running = 'kept' | 'bent' | 'dropped';

export interface Accepted {
  revision: number;
  queuePosition: number;
  /** Expected wait, ms; null while unknown, absent once admitted. */
  waitMs?: number | null;
  seed: number;
  prompt: string;
  reading?: PromptReading;
  /** Outcome for the slice under the playhead; absent for the request that started the stream. */
  running?: Running;
  /** Which slices have which prompt, and how each was read; one entry unless the prompt is a list. */
  prompts?: (PromptStretch & { fields?: PromptReading['fields'] | undefined })[];
}

export interface StreamEvents {
  /** Every frame of a slice is in the timeline at this tier; the rendition is the last run of it. */
  made: [rendition: Rendition];
  /** The frame on screen may have changed before the next one is due: look now. */
  changed: [];
  /** The playhead has jumped: the next frame does not follow the last one. */
  sought: [];
  /** Progress of a slice, where the generator reports it. */
  progress: [event: { revision: number; slice: number; ratio: number; queuePosition?: number | undefined }];
  /** The place at admission has changed: position, wait or caps. */
  place: [];
  /** The generator failed; the stream goes on by itself. */
  error: [error: GlimpseError];
}

export interface StreamMetrics {
  /** Every frame of a slice has reached this tier. */
  reached(tier: Tier, variant: Variant): void;
}
