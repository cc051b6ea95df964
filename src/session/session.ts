/**
 * A session: a viewer with the right to steer the stream they watch. Ends by `close`, by the viewer's deadlines, or with
 * its registry. A stream without another viewer ends with it.
 */
import { randomBytes } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { kept } from '../lifetime/kept-promise.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { ViewerReport, ViewerStats } from '../viewer/contract.ts';
import type { RoomOpening, RoomSeat, RoomView } from '../rooms/room.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { ViewerDeps } from '../viewer/deps.ts';
import type { Stage } from '../viewer/stage.ts';
import { Viewer, type ViewerWish } from '../viewer/viewer.ts';
import type { Accepted, Control, Publication, Session, SessionEvents } from './contract.ts';
import { Membership } from './membership.ts';
import { CameraPublication } from './publication.ts';

export interface ViewerSessionOptions {
  stage: Stage;
  wish: ViewerWish;
  /** The user whose stream it is; a room that the session opens is theirs. */
  owner: string;
  /** Where the session may open a room. */
  rooms: Rooms<Stage>;
  /** Its place in the room that the stream is in. */
  seat?: RoomSeat | undefined;
}

export class ViewerSession implements Session {
  readonly id = randomBytes(16).toString('base64url');
  readonly resumeToken = randomBytes(24).toString('base64url');
  readonly events = new Emitter<SessionEvents>();
  readonly #options: ViewerSessionOptions;
  readonly #viewer: Viewer;
  readonly #membership: Membership;
  readonly #deps: ViewerDeps;
  readonly #publications = new Set<CameraPublication>();
  #closing: Promise<void> | undefined;

  constructor(options: ViewerSessionOptions, deps: ViewerDeps) {
    const { stage, wish, seat } = options;
    this.#options = options;
    this.#deps = deps;
    this.#viewer = new Viewer({ stage, wish, events: this.events }, deps);
    this.#membership = new Membership(this.events, (reason) => void this.close(reason));
    if (seat) this.#membership.enter(seat);
    this.events.on('camera', (live) => this.#membership.seat?.publish(live));
    this.events.on('expired', (reason) => void this.close(reason));
  }

  get accepted(): Promise<Accepted> {
    return this.#options.stage.stream.accepted;
  }

  get room(): RoomView | undefined {
    return this.#membership.view;
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

  async publish(offerSdp: string): Promise<{ publication: Publication; answerSdp: string }> {
    this.#assertOpen();
    this.#membership.require('publish');
    const publication = new CameraPublication(this.#options.stage.stream.live, this.#deps);
    this.#publications.add(publication);
    this.#membership.seat?.publish(true);
    publication.events.on('closed', () => {
      this.#publications.delete(publication);
      this.#membership.seat?.publish(false);
    });
    return { publication, answerSdp: await publication.answer(offerSdp) };
  }

  sendChannel(text: string): boolean {
    return this.#viewer.sendChannel(text);
  }

  async control(message: Control): Promise<Accepted> {
    this.#assertOpen();
    const { stream } = this.#options.stage;
    const membership = this.#membership;
    switch (message.type) {
      case 'prompt':
        membership.require('steer');
        stream.steer(message, message.prompt);
        return membership.steered(stream.accepted);
      case 'steer': {
        const { type: _type, ...steering } = message;
        return this.#steer(steering);
      }
      case 'pause':
      case 'play':
        membership.require('control');
        stream[message.type]();
        break;
      case 'seek':
        membership.require('control');
        stream.seek(message.timeMs);
        break;
      case 'share':
        this.share(message);
        break;
      case 'endRoom':
        membership.require('close');
        membership.seat?.room.end();
        break;
    }
    return stream.accepted;
  }

  /** Makes a room of the stream, with this session as its host; does nothing in a room. @throws GlimpseError USER_LIMIT */
  share({ name, as, everyone }: Omit<RoomOpening, 'key' | 'granted'>): void {
    const { rooms, stage, owner } = this.#options;
    if (this.#membership.seat === undefined)
      this.#membership.enter(rooms.open({ name, everyone }, stage, owner).open(as));
  }

  report(seen: ViewerReport): void {
    this.#viewer.report(seen);
  }

  close(reason: string): Promise<void> {
    this.#closing ??= kept(this.#end(reason));
    return this.#closing;
  }

  /** The highest tier is each viewer's own; all see what else is changed. */
  #steer({ tierCap, ...change }: Omit<Extract<Control, { type: 'steer' }>, 'type'>): Promise<Accepted> {
    const { stream } = this.#options.stage;
    const isShared = this.#membership.seat === undefined || Object.keys(change).length > 0;
    if (isShared) {
      this.#membership.require('steer');
      stream.steer(change);
    }
    if (tierCap !== undefined) this.#viewer.tierCap = tierCap;
    return isShared ? this.#membership.steered(stream.accepted) : stream.accepted;
  }

  async #end(reason: string): Promise<void> {
    const { stage } = this.#options;
    const published = [...this.#publications].map((publication) => publication.close(reason));
    const left = Promise.all([this.#viewer.close(reason), ...published]);
    this.#membership.leave();
    await Promise.allSettled([left, stage.audience.size === 0 ? endStage(stage) : undefined]);
    this.events.emit('closed', reason);
    this.events.clear();
  }

  #assertOpen(): void {
    if (this.#closing) throw new GlimpseError('SESSION_NOT_FOUND');
  }
}

async function endStage({ stream, encodes }: Stage): Promise<void> {
  await Promise.all([encodes.close(), stream.close()]);
}
