/**
 * Which worker makes a slice. One that has the pack, is ready, and would be in time; of those the one that holds the
 * stream's lease unless it is behind, else the one with the most slack against the deadline. Ties go by rendezvous
 * hashing on the stream, so that streams spread and stay where they are. Pure.
 */
import { preference } from './hash.ts';

export interface Candidate {
  id: string;
  pack: string;
  state: 'warming' | 'ready' | 'draining';
  jobs: number;
  jobsMax: number;
  /** Compute time of what waits there, ms. */
  backlogMs: number;
  /** Compute time of what is asked for, ms; 0 while unknown. */
  costMs: number;
}

export interface Need {
  pack: string;
  /** The stream that asks. */
  stream: string;
  /** The worker that made the stream's last slice. */
  lease: string | undefined;
  /** Until the result is needed, ms; undefined: whenever. */
  dueInMs: number | undefined;
  /** Workers that have failed this job, or are not trusted. */
  excluded: ReadonlySet<string>;
}

/** Differences of slack below this do not count: beats are a quarter of a second old. */
const SLACK_STEP_MS = 25;
/** How much longer than the shortest the lease holder's queue may be, as a part of the slice's cost. */
const STAY_RATIO = 0.5;

/** Undefined if no worker may take it. */
export function choose(candidates: readonly Candidate[], need: Need): string | undefined {
  const able = candidates.filter(
    ({ id, pack, state, jobs, jobsMax }) =>
      pack === need.pack && state === 'ready' && jobs < jobsMax && !need.excluded.has(id),
  );
  const leastMs = Math.min(...able.map(({ backlogMs }) => backlogMs));
  const ranked = able.map((candidate) => {
    const { id, backlogMs, costMs } = candidate;
    // Without a deadline the shortest queue has the most slack.
    const slackMs = (need.dueInMs ?? 0) - backlogMs - costMs;
    return {
      id,
      stays: id === need.lease && backlogMs <= leastMs + costMs * STAY_RATIO,
      slack: Math.floor(slackMs / SLACK_STEP_MS),
      preference: preference(need.stream, id),
    };
  });
  const [best] = ranked.toSorted(
    (a, b) =>
      Number(b.stays) - Number(a.stays) || b.slack - a.slack || b.preference - a.preference || (a.id < b.id ? -1 : 1),
  );
  return best?.id;
}
