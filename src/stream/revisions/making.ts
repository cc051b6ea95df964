/** What makes a stream's pictures, what it makes them from, and how far it may go. */
import type { Clock } from '../../clock.ts';
import type { Scheduler } from '../../generation/engine/scheduler.ts';
import type { GenerateOptions, Generator } from '../../generation/generator.ts';
import type { Grade } from '../../generation/grades.ts';
import type { Tier } from '../../picture/tiers.ts';
import type { User } from '../contract.ts';
import type { StreamInputs } from '../inputs.ts';
import type { LiveInput } from '../live-input.ts';

/** Shared by all streams of a service. */
export interface Making {
  clock: Clock;
  generator: Generator;
  scheduler: Scheduler;
}

/** The same for all revisions of a stream. */
export interface Work {
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  user: User;
  inputs: StreamInputs;
  /** The camera to follow, while it is active; undefined where the generator follows none. */
  live?: LiveInput | undefined;
}

/** How far to make pictures now. */
export interface Limits {
  /** False while the stream waits for admission or is unwatched: nothing is computed. */
  admitted: boolean;
  /** Highest tier in demand. */
  tierCap: Tier;
  /** Best grade (tier and variant) that the load of other streams allows. */
  gradeCap: Grade;
}

/** What the plan of a revision depends on, besides its slices. */
export interface RunFacts extends Limits {
  /** Frame of this revision under the playhead; 0 before it plays. */
  playheadFrame: number;
  /** The playhead stands: the slice under it stays on screen. */
  stands: boolean;
}

export type Progress = Parameters<NonNullable<GenerateOptions['onProgress']>>[0];
