/** The link in virtual time: both directions of the model, and an event for every arrival. */
import type { Fate, Path } from './path.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface VirtualLinkOptions {
  time: VirtualTime;
  forward: Path;
  backward: Path;
  /** Told of every packet that enters the forward path. */
  onForward: (flow: number, sizeBytes: number, nowUs: number, fate: Fate) => void;
}

export class VirtualLink {
  readonly #options: VirtualLinkOptions;

  constructor(options: VirtualLinkOptions) {
    this.#options = options;
  }

  forward(flow: number, sizeBytes: number, deliver: () => void): void {
    const { time, forward, onForward } = this.#options;
    const nowUs = time.nowUs();
    const fate = forward.send(sizeBytes, nowUs, flow);
    onForward(flow, sizeBytes, nowUs, fate);
    if (fate.outcome === 'delivered') time.at(fate.arrivalUs, deliver);
  }

  backward(flow: number, sizeBytes: number, deliver: () => void): void {
    const { time, backward } = this.#options;
    const fate = backward.send(sizeBytes, time.nowUs(), flow);
    if (fate.outcome === 'delivered') time.at(fate.arrivalUs, deliver);
  }
}
