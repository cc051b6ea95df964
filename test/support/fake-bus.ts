/** A message system within the process, in place of NATS, that tests can cut, delay and listen to. */
import { GlimpseError } from '../../src/errors.ts';
import { Emitter } from '../../src/events.ts';
import type { Bus, BusEvents, BusMessage } from '../../src/generation/cluster/bus.ts';

type Take = (message: BusMessage) => void;

export class FakeNats {
  readonly #subscriptions = new Set<{ pattern: RegExp; take: Take; bus: FakeBus }>();
  readonly buses: FakeBus[] = [];
  /** Returns false for what is lost on the way. */
  passes: (subject: string, data: Uint8Array) => boolean = () => true;
  messages = 0;
  #replies = 0;

  connect(): FakeBus {
    const bus = new FakeBus(this);
    this.buses.push(bus);
    return bus;
  }

  /** The server is away: nobody hears anything. */
  cut(): void {
    for (const bus of this.buses) bus.cut();
  }

  mend(): void {
    for (const bus of this.buses) bus.mend();
  }

  add(subject: string, take: Take, bus: FakeBus): () => void {
    const pattern = new RegExp(`^${subject.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`);
    const subscription = { pattern, take, bus };
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  send(subject: string, data: Uint8Array, reply?: string, undelivered = false): void {
    this.messages += 1;
    if (!this.passes(subject, data)) return;
    const listening = [...this.#subscriptions].filter(({ pattern }) => pattern.test(subject));
    if (listening.length === 0 && reply !== undefined) this.send(reply, new Uint8Array(), undefined, true);
    const respond = (answer: Uint8Array): void => {
      if (reply !== undefined) this.send(reply, answer);
    };
    for (const { take, bus } of listening)
      queueMicrotask(() => {
        if (bus.connected && !bus.stopped) take({ subject, data, undelivered, respond });
      });
  }

  nextReply(): string {
    return `reply.${(this.#replies += 1)}`;
  }
}

export class FakeBus implements Bus {
  readonly events = new Emitter<BusEvents>();
  connected = true;
  /** Its process stands still (SIGSTOP): it neither hears nor says anything. */
  stopped = false;
  readonly #nats: FakeNats;
  readonly #offs = new Set<() => void>();

  constructor(nats: FakeNats) {
    this.#nats = nats;
  }

  cut(): void {
    this.connected = false;
    this.events.emit('down');
  }

  mend(): void {
    this.connected = true;
    this.events.emit('up');
  }

  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (this.connected && !this.stopped) this.#nats.send(subject, data, reply);
  }

  subscribe(subject: string, take: Take): () => void {
    const off = this.#nats.add(subject, take, this);
    this.#offs.add(off);
    return () => {
      off();
      this.#offs.delete(off);
    };
  }

  async request(subject: string, data: Uint8Array): Promise<Uint8Array> {
    if (!this.connected) throw new GlimpseError('CLUSTER_DOWN');
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const reply = this.#nats.nextReply();
    const off = this.subscribe(reply, ({ data: answer, undelivered }) =>
      undelivered ? reject(new GlimpseError('CLUSTER_DOWN')) : resolve(answer),
    );
    this.publish(subject, data, reply);
    return promise.finally(off);
  }

  /** Its process dies: nothing of it listens any more. */
  die(): void {
    this.connected = false;
    for (const off of this.#offs) off();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.die();
  }
}
