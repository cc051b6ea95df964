/** What the server has reported about a stream: the latest of each kind, and the event that informs the page. */
import type { ServerMessage } from './wire.ts';
import type { Emitter } from './emitter.ts';
import type { LiveEvents, Stats } from './live-events.ts';
import type { Accepted, PlayingEvent, RoomEvent, SteeredEvent, Welcome } from './options.ts';
import { PlayingLog } from './playing-log.ts';

/** Messages held until the page can listen: the longest clip has 45 slices of four tiers. */
const EARLY_MAX = 256;
/** Messages that become events of the page, in order of arrival. */
const HELD: ReadonlySet<string> = new Set(['tier', 'playing', 'queue', 'progress', 'steered', 'error']);

export class Reported {
  readonly #events: Emitter<LiveEvents>;
  readonly #playing = new PlayingLog();
  #welcome: Welcome | undefined;
  #accepted: Accepted | undefined;
  #stats: Stats | undefined;
  #room: RoomEvent | undefined;
  /** Messages from before the page could listen: cached slices arrive together with the answer. */
  #early: ServerMessage[] | undefined = [];

  constructor(events: Emitter<LiveEvents>) {
    this.#events = events;
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  get accepted(): Accepted | undefined {
    return this.#accepted;
  }

  get stats(): Stats | undefined {
    return this.#stats;
  }

  get room(): RoomEvent | undefined {
    return this.#room;
  }

  /** What a frame shows; without an RTP timestamp, what plays now. */
  playingAt(rtpTimestamp: number | undefined): PlayingEvent | undefined {
    return rtpTimestamp === undefined ? this.#playing.latest : this.#playing.at(rtpTimestamp);
  }

  /** A new peer connection restarts the RTP timestamps. */
  forgetPlaying(): void {
    this.#playing.clear();
  }

  /** True when the message was held until the page listens, or dropped because too many were. */
  hold(message: ServerMessage): boolean {
    if (!this.#early || !HELD.has(message.type)) return false;
    if (this.#early.length < EARLY_MAX) this.#early.push(message);
    return true;
  }

  /** The page listens now: returns the held messages and stops holding. */
  release(): readonly ServerMessage[] {
    const early = this.#early ?? [];
    this.#early = undefined;
    return early;
  }

  receive(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#welcome = message;
        return;
      case 'tier':
        return this.#events.emit('tier', message);
      case 'playing':
        this.#playing.add(message);
        return this.#events.emit('playing', message);
      case 'queue':
        return this.#events.emit('queue', message.position, message.waitMs);
      case 'progress':
        return this.#events.emit('progress', message);
      case 'room':
        this.#room = message;
        return this.#events.emit('room', message);
      case 'steered':
        return this.#steered(message);
      case 'stats':
        return this.#measure(message.stats);
      default:
        return;
    }
  }

  accept(accepted: Accepted): void {
    this.#accepted = { ...this.#accepted, ...accepted };
    this.#events.emit('queue', accepted.queuePosition, accepted.waitMs ?? null);
    this.#events.emit('accepted', accepted);
  }

  /** What another member has changed is in force as if it had been accepted from here. */
  #steered(event: SteeredEvent): void {
    const { type: _, by, ...accepted } = event;
    if (by.id !== this.#room?.you) this.accept({ type: 'accepted', queuePosition: 0, ...accepted });
    this.#events.emit('steered', event);
  }

  #measure(stats: Stats): void {
    const before = this.#stats;
    this.#stats = stats;
    const { widthPx, heightPx, tierCap, codec } = stats;
    const changed =
      before?.widthPx !== widthPx ||
      before.heightPx !== heightPx ||
      before.tierCap !== tierCap ||
      before.codec !== codec;
    if (changed) this.#events.emit('quality', { widthPx, heightPx, tierCap, codec });
    this.#events.emit('stats', stats);
  }
}
