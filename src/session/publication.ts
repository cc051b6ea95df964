/**
 * A camera that comes into a session on a connection of its own: a WHIP client beside the viewer. It has the stream's
 * one place for a camera from its offer until it leaves, fails, or is silent for too long.
 */
import { randomBytes } from 'node:crypto';
import type { Timer } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { kept } from '../lifetime/kept-promise.ts';
import { LIMITS } from '../limits.ts';
import { VIDEO_CODECS } from '../media/encode/encoder.ts';
import { Publisher } from '../publish/publisher.ts';
import type { LiveInput } from '../stream/live-input.ts';
import type { IceCandidate, Peer } from '../transport/peer/contract.ts';
import type { ViewerDeps } from '../viewer/deps.ts';
import type { Publication, PublicationEvents } from './contract.ts';

const RECEIVE = { codecs: VIDEO_CODECS, audio: true } as const;

export class CameraPublication implements Publication {
  readonly id = randomBytes(16).toString('base64url');
  readonly events = new Emitter<PublicationEvents>();
  readonly #deps: ViewerDeps;
  readonly #live: LiveInput;
  readonly #peer: Peer;
  #publisher: Publisher | undefined;
  #deadline: Timer;
  #closing: Promise<void> | undefined;

  /** @throws GlimpseError LIVE_INPUT_UNSUPPORTED where the stream follows no camera, PUBLISHER_EXISTS */
  constructor(live: LiveInput | undefined, deps: ViewerDeps) {
    if (live === undefined) throw new GlimpseError('LIVE_INPUT_UNSUPPORTED');
    live.reserve(this);
    this.#live = live;
    this.#deps = deps;
    this.#peer = deps.link.peers.createPeer({ codecs: [], receive: RECEIVE });
    this.#peer.events.on('state', (state, reason) => {
      this.#deadline.close();
      if (state === 'closed') void this.close(reason);
      else if (state !== 'connected') this.#deadline = this.#wait();
    });
    this.#deadline = this.#wait();
  }

  /** @throws GlimpseError as `Peer.answer`; the publication has then ended */
  async answer(offerSdp: string): Promise<string> {
    try {
      const answer = await this.#peer.answer(offerSdp);
      if (!this.#closing) this.#publisher ??= this.#receive();
      return answer;
    } catch (error) {
      await this.close('the offer could not be answered');
      throw error;
    }
  }

  /** @throws GlimpseError as `Peer.answer` */
  restart(offerSdp: string): Promise<string> {
    return this.#peer.answer(offerSdp);
  }

  addCandidate(candidate: IceCandidate | null): Promise<void> {
    return this.#peer.addCandidate(candidate);
  }

  close(reason: string): Promise<void> {
    this.#closing ??= kept(this.#end(reason));
    return this.#closing;
  }

  #receive(): Publisher {
    const { clock, link, onListenerError } = this.#deps;
    const publisher = new Publisher({ peer: this.#peer, clock, timer: link.pacerTimer, onListenerError });
    publisher.events.on('started', (source) => this.#live.start(this, source));
    publisher.events.on('failed', (error) => {
      this.events.emit('failed', error);
      void this.close(error.code);
    });
    return publisher;
  }

  #wait(): Timer {
    return this.#deps.clock.after(LIMITS.connectTimeoutMs, () => void this.close('the camera was silent for too long'));
  }

  async #end(reason: string): Promise<void> {
    this.#deadline.close();
    this.#live.release(this);
    await Promise.allSettled([this.#peer.close(reason), this.#publisher?.close()]);
    this.events.emit('closed', reason);
    this.events.clear();
  }
}
