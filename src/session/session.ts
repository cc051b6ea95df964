/**
 * A session: a viewer with the right to steer the stream they watch. Ends by `close`, by the viewer's deadlines, or with
 * its registry. A stream that nobody else watches ends with it.
 */
import { randomBytes } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { kept } from '../lifetime/kept-promise.ts';
import type { Audience } from '../stream/audience.ts';
import type { Stream } from '../stream/stream.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { ViewerReport, ViewerStats } from '../viewer/contract.ts';
import type { ViewerDeps } from '../viewer/deps.ts';
import { Viewer, type ViewerWish } from '../viewer/viewer.ts';
import type { Accepted, Control, Session, SessionEvents } from './contract.ts';

export interface ViewerSessionOptions {
  stream: Stream;
  /** Of the same stream. */
  audience: Audience;
  wish: ViewerWish;
}

export class ViewerSession implements Session {
  readonly id = randomBytes(16).toString('base64url');
  readonly resumeToken = randomBytes(24).toString('base64url');
  readonly events = new Emitter<SessionEvents>();
  readonly #stream: Stream;
  readonly #audience: Audience;
  readonly #viewer: Viewer;
  #closing: Promise<void> | undefined;

  constructor({ stream, audience, wish }: ViewerSessionOptions, deps: ViewerDeps) {
    this.#stream = stream;
    this.#audience = audience;
    this.#viewer = new Viewer({ stream, audience, wish, events: this.events }, deps);
    this.events.on('expired', (reason) => void this.close(reason));
  }

  get accepted(): Promise<Accepted> {
    return this.#stream.accepted;
  }

  get goneSinceUs(): number | undefined {
    return this.#viewer.goneSinceUs;
  }

  get stats(): ViewerStats {
    return this.#viewer.stats;
  }

  async answer(offerSdp: string): Promise<string> {
    this.#assertOpen();
    return this.#viewer.answer(offerSdp);
  }

  async restart(offerSdp: string): Promise<string> {
    this.#assertOpen();
    return this.#viewer.restart(offerSdp);
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    this.#assertOpen();
    await this.#viewer.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#viewer.sendChannel(text);
  }

  async control(message: Control): Promise<Accepted> {
    this.#assertOpen();
    switch (message.type) {
      case 'prompt':
        this.#stream.steer(message, message.prompt);
        break;
      case 'steer':
        this.#stream.steer(message);
        if (message.tierCap !== undefined) this.#viewer.tierCap = message.tierCap;
        break;
      case 'pause':
      case 'play':
        this.#stream[message.type]();
        break;
      case 'seek':
        this.#stream.seek(message.timeMs);
        break;
    }
    return this.#stream.accepted;
  }

  report(seen: ViewerReport): void {
    this.#viewer.report(seen);
  }

  close(reason: string): Promise<void> {
    this.#closing ??= kept(this.#end(reason));
    return this.#closing;
  }

  async #end(reason: string): Promise<void> {
    const left = this.#viewer.close(reason);
    await Promise.allSettled([left, this.#audience.size === 0 ? this.#stream.close() : undefined]);
    this.events.emit('closed', reason);
    this.events.clear();
  }

  #assertOpen(): void {
    if (this.#closing) throw new GlimpseError('SESSION_NOT_FOUND');
  }
}
