/** Sessions as the signaling layer sees them. `session.ts` and `registry.ts` implement these. */
import type { GlimpseError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import type { InputMedia } from '../picture/input-media.ts';
import type { Tier } from '../picture/tiers.ts';
import type { Member } from '../rooms/members.ts';
import type { RoomOpening, RoomView } from '../rooms/room.ts';
import type { VideoCodec } from '../media/encode/encoder.ts';
import type { Accepted, Change, StreamRequest, User } from '../stream/contract.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { ViewerEvents, ViewerReport, ViewerStats } from '../viewer/contract.ts';

export type { Accepted, StreamMode, User } from '../stream/contract.ts';
export type { ViewerReport, ViewerStats as SessionStats } from '../viewer/contract.ts';

/** What the wire carries. */
export interface SessionRequest extends StreamRequest {
  codec?: VideoCodec | undefined;
  tierCap?: Tier | undefined;
  /** Id of an upload. */
  input?: string | undefined;
}

/** A request, with what its entry point adds. */
export interface SessionOpening extends SessionRequest {
  /** False where the viewer cannot come back (WHEP): such a session ends with its connection. Default true. */
  resumable?: boolean;
  /** The upload that `input` names. */
  media?: InputMedia;
  /** The room to join, or to create where there is none and the prompt is not empty. */
  room?: RoomOpening;
}

export type Control =
  | ({ type: 'prompt'; prompt: string } & Change)
  | ({ type: 'steer'; tierCap?: Tier | undefined } & Change)
  | { type: 'pause' }
  | { type: 'play' }
  | { type: 'seek'; timeMs: number }
  | { type: 'share'; as?: string | undefined; everyone?: RoomOpening['everyone'] }
  | { type: 'endRoom' };

export interface SessionEvents extends ViewerEvents {
  /** Someone has joined the session's room, has left it or changed. */
  room: [room: RoomView];
  /** A member of the room, perhaps this one, has changed what the stream shows. */
  steered: [
    event: Pick<Accepted, 'revision' | 'seed' | 'prompt' | 'reading' | 'prompts'> & { by: Pick<Member, 'id' | 'name'> },
  ];
  /** The session has ended; nothing follows. */
  closed: [reason: string];
}

export interface PublicationEvents {
  /** What the camera sends could not be used; it ends. */
  failed: [error: GlimpseError];
  closed: [reason: string];
}

/** A camera that comes into a session on a connection of its own. */
export interface Publication {
  readonly id: string;
  readonly events: Emitter<PublicationEvents>;
  /** Answers the offer of an ICE restart. */
  restart(offerSdp: string): Promise<string>;
  addCandidate(candidate: IceCandidate | null): Promise<void>;
  /** Idempotent, never throws. */
  close(reason: string): Promise<void>;
}

export interface Session {
  readonly id: string;
  /** Secret that lets its holder resume the session. */
  readonly resumeToken: string;
  readonly events: Emitter<SessionEvents>;
  /**
   * Answers the first offer, or the offer of a new peer connection of the same session (resume).
   * @throws GlimpseError as `checkOffer`; the connection it would have replaced goes on
   */
  answer(offerSdp: string): Promise<string>;
  /** Answers the offer of an ICE restart on the current connection. @throws GlimpseError as `answer` */
  restart(offerSdp: string): Promise<string>;
  addCandidate(candidate: IceCandidate | null): Promise<void>;
  control(message: Control): Promise<Accepted>;
  /**
   * Takes a camera on a connection of its own, for the stream to follow. Ends with the session.
   * @throws GlimpseError LIVE_INPUT_UNSUPPORTED, PUBLISHER_EXISTS, SDP_INVALID, CODEC_UNSUPPORTED
   */
  publish(offerSdp: string): Promise<{ publication: Publication; answerSdp: string }>;
  /** Outcome of the latest accepted request; fills `accepted` after an offer or a resume. */
  readonly accepted: Promise<Accepted>;
  readonly stats: ViewerStats;
  /** The room that the session is in, as its viewer sees it. */
  readonly room: RoomView | undefined;
  /** Adds a viewer's report to the metrics; never throws. */
  report(seen: ViewerReport): void;
  /** Sends text on the data channel `control`; false when the channel is full or not open. */
  sendChannel(text: string): boolean;
  /** Idempotent, never throws. */
  close(reason: string): Promise<void>;
}

export interface SessionRegistry {
  readonly size: number;
  hasRoom(name: string): boolean;
  /** @throws GlimpseError SESSION_LIMIT, ROOM_NOT_FOUND, ROOM_FULL, FORBIDDEN, PROMPT_EMPTY, PROMPT_TOO_LONG, PARAMETER_INVALID, SERVER_CLOSING */
  /** @param user default: a user of its own with weight 1 */
  create(request: SessionOpening, user?: User): Promise<Session>;
  /**
   * Checks that a session could answer this offer, before creating one.
   * @throws GlimpseError SDP_INVALID, SDP_TOO_LARGE, CODEC_UNSUPPORTED
   */
  checkOffer(offerSdp: string, codec: VideoCodec | undefined): void;
  /** @throws GlimpseError SESSION_NOT_FOUND */
  get(id: string): Session;
  /** @throws GlimpseError SESSION_NOT_FOUND, UNAUTHORIZED */
  resume(id: string, resumeToken: string): Session;
  close(reason: string): Promise<void>;
}
