/** What every kind of flow on the virtual link is to the simulation. */
import type { VirtualLink } from './virtual-link.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface FlowContext {
  /** Index of the flow; the link keeps its packets in order. */
  index: number;
  time: VirtualTime;
  link: VirtualLink;
  /** Uniform in [0, 1); the flow's own. */
  random: () => number;
}

export interface Flow {
  start(): void;
  stop(): void;
  /** Of congestion control; undefined where it has none. */
  readonly targetBps: number | undefined;
}
