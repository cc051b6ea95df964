/**
 * Access control (`access/`) combined with the sessions behind it, as HTTP, WHEP and WebSocket use them: opens a
 * session, finds one that the client may use, and gives its controls. One per server.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GlimpseError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import { joinPrompts, parsePrompts } from '../src/generation/prompt/prompt-list.ts';
import { normalizePrompt, promptTooLong } from '../src/generation/prompt/prompt.ts';
import type { Session, SessionRegistry, User } from '../src/session/contract.ts';
import type { RoomOpening } from '../src/rooms/room.ts';
import type { Inputs } from '../src/session/inputs.ts';
import type { Access } from './access/access.ts';
import type { Identity } from './access/identity.ts';
import { roomEntry } from './access/room-entry.ts';
import { requireAllowed } from './prompt-filter.ts';
import type { PromptFilter } from './prompt-filter.ts';
import type { GenerationRequest } from './protocol.ts';
import type { RoomRequest } from './room-messages.ts';
import { SessionControls } from './control/session-controls.ts';
import { SerialQueue } from '../src/lifetime/serial-queue.ts';
import { LIMITS } from '../src/limits.ts';

/**
 * Key that shares compute among users. Many people may share one address, so without tokens each session has a key of
 * its own, and the address limits only how many there are.
 */
const userOf = ({ key, claims }: Identity): User | undefined =>
  claims && { id: key, weight: claims.limits?.weight ?? 1 };

export interface Opening {
  identity: Identity;
  request: GenerationRequest;
  /** The room to join or to create. */
  room?: RoomRequest | undefined;
  /** Whether the viewer receives a resume token. Default true. */
  resumable?: boolean;
  offerSdp: string;
  /** Runs before the offer is answered, so that no event of the session is missed. */
  onCreated: (session: Session) => void;
}

export interface GateOptions {
  registry: SessionRegistry;
  access: Access;
  filterPrompt: PromptFilter | undefined;
  log: Log;
  /** Uploads that sessions may begin from; undefined where the generator takes none. */
  inputs?: Inputs | undefined;
}

export class Gate {
  readonly registry: SessionRegistry;
  readonly access: Access;
  readonly #filterPrompt: PromptFilter | undefined;
  readonly #log: Log;
  readonly #inputs: Inputs | undefined;
  readonly #openings = new SerialQueue(LIMITS.connectionsMax);
  readonly #controls = new WeakMap<Session, SessionControls>();

  constructor({ registry, access, filterPrompt, log, inputs }: GateOptions) {
    this.#inputs = inputs;
    this.registry = registry;
    this.access = access;
    this.#filterPrompt = filterPrompt;
    this.#log = log;
  }

  /**
   * Creates a session and answers its offer. The offer is checked first: one that cannot be answered counts as no
   * creation and creates no session. If answering fails later, the session is closed again.
   * @throws GlimpseError from the registry, access control, the prompt filter or the session
   */
  async open({
    identity,
    request,
    room: asked,
    resumable,
    offerSdp,
    onCreated,
  }: Opening): Promise<{ session: Session; answerSdp: string }> {
    this.registry.checkOffer(offerSdp, request.codec);
    this.#requireLength(request.prompt, identity);
    const room = roomEntry(identity.claims, asked);
    const admission = await this.access.admit(identity);
    let session: Session | undefined;
    try {
      // One who joins brings no prompt. If the room ends meanwhile, they are told so.
      const joins = room?.name !== undefined && this.registry.hasRoom(room.name);
      const prompts = joins ? { prompt: '' } : await this.#allowedPrompts(request, room, identity);
      const media = request.input === undefined ? undefined : this.requireInputs().get(request.input, identity.key);
      const opening = {
        ...request,
        ...prompts,
        ...(media && { media }),
        ...(room && { room }),
        ...(resumable === undefined ? {} : { resumable }),
      };
      await this.#turn();
      session = await this.registry.create(opening, userOf(identity));
      admission.bind(session);
      onCreated(session);
      return { session, answerSdp: await session.answer(offerSdp) };
    } catch (error) {
      admission.release();
      await session?.close('the offer could not be answered');
      throw error;
    }
  }

  /**
   * Checks that this client may have a clip of this prompt made; counts as a creation.
   * @returns the normalised prompt
   * @throws GlimpseError as `open`, before anything is made
   */
  async admitClip(prompt: string, identity: Identity): Promise<string> {
    if (identity.claims?.once === true)
      throw new GlimpseError('FORBIDDEN', { message: 'The token does not permit clips: it is for one session.' });
    this.#requireLength(prompt, identity);
    // There is no session, so its place is free again at once.
    (await this.access.admit(identity)).release();
    return this.#allowed(prompt, identity, undefined);
  }

  /** Checks that this client may upload; counts as a creation. @throws GlimpseError as `Access.admit` */
  async admitUpload(identity: Identity): Promise<void> {
    (await this.access.admit(identity)).release();
  }

  /** @throws GlimpseError PARAMETER_INVALID where the generator takes no uploads */
  requireInputs(): Inputs {
    if (this.#inputs) return this.#inputs;
    throw new GlimpseError('PARAMETER_INVALID', {
      message: 'The generator of this server starts from no picture or video: leave `input` out.',
    });
  }

  /** @throws GlimpseError FORBIDDEN, SESSION_NOT_FOUND */
  find(id: string, identity: Identity): Session {
    this.access.requireSession(identity, id);
    return this.registry.get(id);
  }

  /** @throws GlimpseError FORBIDDEN, SESSION_NOT_FOUND, UNAUTHORIZED */
  resume(id: string, resumeToken: string, identity: Identity): Session {
    this.access.requireSession(identity, id);
    return this.registry.resume(id, resumeToken);
  }

  controlsOf(session: Session): SessionControls {
    const known = this.#controls.get(session);
    if (known) return known;
    const owner = this.access.ownerOf(session.id);
    const controls = new SessionControls(session, {
      messages: this.access.messageBucket(owner),
      prompts: this.access.promptBucket(owner),
      promptMaxChars: owner?.claims?.limits?.promptChars,
      allowed: (prompt) => this.#allowed(prompt, owner, session.id),
      onMerged: () => {
        if (owner) this.access.note(owner, 'promptFlood');
      },
    });
    this.#controls.set(session, controls);
    return controls;
  }

  /**
   * One opening begins per turn of the event loop: refusals and the packets of running sessions are handled in
   * between.
   */
  #turn(): Promise<void> {
    return this.#openings.run(() => nextTurn());
  }

  /** The prompts of a request, each normalised. */
  async #allowedPrompts(
    { prompt, negativePrompt }: GenerationRequest,
    room: RoomOpening | undefined,
    identity: Identity,
  ): Promise<Pick<GenerationRequest, 'prompt' | 'negativePrompt'>> {
    if (prompt === '' && room?.name !== undefined) throw new GlimpseError('ROOM_NOT_FOUND');
    const allowed = await this.#allowed(prompt, identity, undefined);
    // An empty one disables the workflow's own negative prompt and needs no filter.
    if (negativePrompt === undefined || negativePrompt.trim() === '') return { prompt: allowed };
    const negative = normalizePrompt(negativePrompt);
    await this.#requireAllowed(negative, identity, undefined);
    return { prompt: allowed, negativePrompt: negative };
  }

  /**
   * Normalises a prompt as generators receive it, and passes exactly that text to the filter: from here on it does not
   * change. For a list, the filter gets all prompts joined by bars.
   * @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PROMPT_REFUSED, PROMPT_FILTER_DOWN
   */
  async #allowed(text: string, identity: Identity | undefined, sessionId: string | undefined): Promise<string> {
    const prompts = parsePrompts(text);
    const prompt = joinPrompts(prompts);
    if (identity) this.#requireLength(prompt, identity);
    await this.#requireAllowed(prompts.join(' | '), identity, sessionId);
    return prompt;
  }

  #requireAllowed(prompt: string, identity: Identity | undefined, sessionId: string | undefined): Promise<void> {
    const options = { filter: this.#filterPrompt, log: this.#log };
    return requireAllowed(prompt, { user: identity?.claims?.sub, sessionId }, options);
  }

  #requireLength(prompt: string, { claims }: Identity): void {
    const max = claims?.limits?.promptChars;
    if (max !== undefined && prompt.length > max) throw promptTooLong(prompt.length, max);
  }
}
