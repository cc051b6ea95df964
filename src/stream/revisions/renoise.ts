/**
 * What a new revision takes over from the running one: latents to start from and to continue from, its place in time,
 * and the prompt of the transition's start. Live, the slice under the playhead is made again in place. In a clip, every
 * slice is made again from its own latents.
 */
import { heavierPrompt, promptAt } from '../../generation/prompt/prompt-list.ts';
import type { Playout } from '../timeline/playout.ts';
import type { Timeline } from '../timeline/timeline.ts';
import type { RevisionRequest, RevisionRun } from './revision-run.ts';
import type { SteeringDecision } from '../steering.ts';

/** Frames a draft takes to appear: a slice about to end stays, and the change applies to the next one. */
const FRAMES_TO_DRAFT = 1;

export interface TakenOver extends Pick<RevisionRequest, 'originMs' | 'previous' | 'start' | 'kept'> {
  /** The prompt at which the transition starts. */
  from: string | undefined;
  /** Slice of the old revision that the new one's first slice replaces; undefined when the revision starts over. */
  inPlaceOf: number | undefined;
}

/** Where the change happens. */
interface Ground {
  /** The slice that it applies to. */
  slice: number;
  sliceMs: number;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  timeline: Timeline;
}

export const NOTHING_TAKEN_OVER: TakenOver = {
  originMs: 0,
  previous: undefined,
  start: undefined,
  kept: undefined,
  from: undefined,
  inPlaceOf: undefined,
};

/** The slice that a change applies to: the one under the playhead, or the next if that is due now and has latents. */
export function slotToBend(run: RevisionRun, playout: Playout, framesPerSlice: number): number {
  if (playout.revision !== run.request.revision) return 0;
  const slice = Math.floor(playout.frameIndex / framesPerSlice);
  const soon = Math.floor((playout.frameIndex + FRAMES_TO_DRAFT) / framesPerSlice);
  return run.latentsOf(soon) === undefined ? slice : soon;
}

export function takeOver(
  run: RevisionRun,
  { running, continues, strength }: SteeringDecision,
  { slice, sliceMs, sliceCount, timeline }: Ground,
): TakenOver {
  const { request } = run;
  if (!continues) return NOTHING_TAKEN_OVER;
  const isClip = sliceCount !== undefined;
  // A clip loops: a transition at its start would repeat in every loop.
  const from = isClip ? undefined : heavierPrompt(promptAt(request.track, slice));
  const originMs = request.originMs + slice * sliceMs;
  if (running === 'dropped')
    return { ...NOTHING_TAKEN_OVER, from, originMs: originMs + sliceMs, previous: run.latentsOf(slice) };
  if (sliceCount !== undefined) {
    const latents = latentsBySlice(run, sliceCount);
    const { originMs, previous } = request;
    return { ...NOTHING_TAKEN_OVER, originMs, previous, start: { latents, strength } };
  }
  const latents = run.latentsOf(slice);
  if (latents === undefined) return NOTHING_TAKEN_OVER;
  const shown = timeline.revision === request.revision ? timeline.bestOf(slice) : undefined;
  const kept = running === 'kept' && shown ? { latents, ...shown } : undefined;
  return {
    originMs,
    previous: run.latentsOf(slice - 1),
    start: kept ? undefined : { latents: new Map([[0, latents]]), strength },
    kept,
    from,
    inPlaceOf: slice,
  };
}

function latentsBySlice(run: RevisionRun, sliceCount: number): Map<number, Float32Array> {
  const found = new Map<number, Float32Array>();
  for (let slice = 0; slice < sliceCount; slice++) {
    const latents = run.latentsOf(slice);
    if (latents) found.set(slice, latents);
  }
  return found;
}
