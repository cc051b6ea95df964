/** The report of the link bench. */
import type { Side } from '../latency/server-process.ts';
import type { Machine } from '../report.ts';
import type { ControllerFigures } from './figures.ts';
import type { RealRun } from './real-run.ts';
import type { ViewerFigures } from './viewer-figures.ts';

export interface RealGoal {
  case: string;
  goal: string;
  measured: string;
  /** The same figure of the peer. */
  libwebrtc: string;
  met: boolean;
}

export interface LinkSide {
  /** As in the congestion bench; every datagram of the server counts. */
  link: ControllerFigures;
  /** For each segment: until half a second used 85% of its capacity, whatever the queue; null: never. */
  riseMs: (number | null)[];
  /** Longest wait in the queue from so many ms after a drop to the end of its segment; null without a drop. */
  queueAfterDropMs: Record<number, number | null>;
  viewer: ViewerFigures;
  /** The relay's own error and its proof that media went through it. */
  relay: RealRun['relay'];
  /** The server's estimate as it told the viewer: [ms, bit/s, reason]. */
  targets: [number, number, string][];
  /** What the server last said of itself. */
  server: Record<string, unknown> | null;
}

export interface LinkCase {
  name: string;
  seed: number;
  durationMs: number;
  /** Cases of one report may come from several runs. */
  measured: Pick<Machine, 'commit' | 'measuredAt'>;
  sides: Record<Side, LinkSide>;
  /** Utilisation of the same scenario in virtual time. */
  simulated: { glimpse: number; gcc: number };
}

export interface LinkReport {
  suite: 'link';
  machine: Machine & { browser: string };
  cases: LinkCase[];
  goals: RealGoal[];
}
