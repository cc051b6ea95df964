/** What the cluster asks of its message system; `nats-bus.ts` is NATS. Messages arrive at most once, in order. */
import type { Emitter } from '../../events.ts';

export interface BusMessage {
  subject: string;
  data: Uint8Array;
  /** The message came back because nothing listens on the subject it was sent to. */
  undelivered: boolean;
  /** Answers a request; without effect for other messages. */
  respond: (data: Uint8Array) => void;
}

export interface BusEvents {
  /** The connection is lost; what was sent may not have arrived. */
  down: [];
  /** It is back, with all subscriptions. */
  up: [];
}

export interface Bus extends AsyncDisposable {
  readonly connected: boolean;
  readonly events: Emitter<BusEvents>;
  /**
   * Sends unless the connection is down: what was meant for now is of no use later.
   * @param reply where to return the message if nothing listens on `subject`
   */
  publish(subject: string, data: Uint8Array, reply?: string): void;
  /** Calls `take` with every message; `*` stands for one word of the subject. Returns what ends it. */
  subscribe(subject: string, take: (message: BusMessage) => void): () => void;
  /** @throws GlimpseError CLUSTER_DOWN if no answer comes in time, or nothing listens */
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}
