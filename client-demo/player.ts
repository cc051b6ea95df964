/** Opens the stream and retries while the server's error is temporary; one stream at a time. */
import { GlimpseClientError, connect } from '../src/client/index.ts';
import type { Accepted, Live, Mode, RoomOptions, Welcome } from '../src/client/index.ts';
import { errorWords, reasonWords } from './error-words.ts';
import type { StatusLine } from './status-line.ts';

/** Between attempts when the server gives no delay, ms. */
const RETRY_MS = 2_000;

export interface Wish {
  /** Undefined: the server's first example. */
  prompt: string | undefined;
  seed: number | undefined;
  guidance: number | undefined;
  /** Length of the transition from one prompt of a list to the next, slices. */
  transitionSlices: number | undefined;
  mode: Mode;
  /** Clip length, s. */
  seconds: number;
  token: string | undefined;
  /** Id of an upload. */
  input: string | undefined;
  /** The room to join; it has its own prompt. */
  room: RoomOptions | undefined;
}

export interface PlayerListener {
  /** Called as soon as the server has sent its capabilities, even if it then refuses. */
  onWelcome: (welcome: Welcome) => void;
  /** The stream is accepted. */
  onLive: (live: Live) => void;
  /** The server requires a token, or a valid one. */
  onTokenNeeded: () => void;
  /** The upload has expired. */
  onInputLost: () => void;
  /** What the viewer has to do before the server can generate. */
  missing: () => string | undefined;
}

export class Player {
  readonly #status: StatusLine;
  readonly #listener: PlayerListener;
  #attempt = new AbortController();
  #live: Live | undefined;
  #welcomed = false;

  constructor(status: StatusLine, listener: PlayerListener) {
    this.#status = status;
    this.#listener = listener;
  }

  /** The stream, from its acceptance to its end. */
  get live(): Live | undefined {
    return this.#live;
  }

  /** Ends the current stream and opens a new one; resolves when it is live or has failed for good. */
  async open(wish: Wish): Promise<void> {
    this.#attempt.abort();
    this.#live = undefined;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#status.show('connecting');
    while (!attempt.signal.aborted) {
      try {
        return this.#begin(await this.#connect(wish, attempt.signal));
      } catch (error) {
        if (attempt.signal.aborted) return;
        if (!(error instanceof GlimpseClientError) || !error.retryable) return this.#giveUp(error);
        this.#status.show('reconnecting', `${errorWords(error)} Trying again…`);
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_MS));
      }
    }
  }

  #connect({ prompt, ...wish }: Wish, signal: AbortSignal): Promise<Live> {
    const choose = (welcome: Welcome) => {
      this.#welcomed = true;
      this.#listener.onWelcome(welcome);
      return prompt ?? welcome.generator.examples[0] ?? 'a red ball over a green meadow';
    };
    // When the server's capabilities are known, sending the prompt at once saves a round trip.
    const asked = prompt !== undefined && this.#welcomed ? prompt : choose;
    return connect({ ...wish, prompt: wish.room ? undefined : asked, signal });
  }

  #begin(live: Live): void {
    this.#live = live;
    live.on('state', (state, reason) => {
      if (state === 'closed') this.#live = undefined;
      this.#status.show(
        state,
        state === 'live' || reason === '' ? undefined : `${reasonWords(reason)} ${tail(state)}`.trim(),
      );
    });
    live.on('error', (error) => this.#status.notice(errorWords(error)));
    if (live.welcome) this.#listener.onWelcome(live.welcome);
    this.#status.show('live');
    this.#tellQueue(live);
    this.#listener.onLive(live);
  }

  /** Shows the queue notice until a picture of the waiting revision plays: then the wait is over. */
  #tellQueue(live: Live): void {
    let awaited = 0;
    let withdraw = () => {};
    const wait = ({ revision, queuePosition, waitMs = null }: Accepted) => {
      withdraw();
      if (queuePosition === 0 || (live.playingAt(undefined)?.revision ?? -1) >= revision) return;
      awaited = revision;
      withdraw = this.#status.notice(waitingWords(queuePosition, waitMs), 'until withdrawn');
    };
    live.on('queue', (position, waitMs) => {
      withdraw();
      if (position > 0) withdraw = this.#status.notice(waitingWords(position, waitMs), 'until withdrawn');
    });
    live.on('progress', ({ revision, ratio, queuePosition = 0 }) => {
      if ((live.playingAt(undefined)?.revision ?? -1) >= revision) return;
      awaited = revision;
      withdraw();
      withdraw = this.#status.notice(makingWords(ratio, queuePosition), 'until withdrawn');
    });
    live.on('accepted', wait);
    live.on('playing', ({ revision }) => {
      if (revision >= awaited) withdraw();
    });
    if (live.accepted) wait(live.accepted);
  }

  #giveUp(error: unknown): void {
    if (error instanceof GlimpseClientError && error.code === 'UNAUTHORIZED') this.#listener.onTokenNeeded();
    const missing = this.#listener.missing();
    if (missing !== undefined) return this.#status.show('connecting', missing);
    if (error instanceof GlimpseClientError && error.code === 'INPUT_NOT_FOUND') this.#listener.onInputLost();
    this.#status.show('closed', error instanceof GlimpseClientError ? errorWords(error) : String(error));
  }
}

const waitingWords = (position: number, waitMs: number | null): string =>
  `Waiting: place ${position} in line${waitMs === null ? '' : `, about ${Math.max(1, Math.round(waitMs / 1000))} s`}.`;

const makingWords = (ratio: number, ahead: number): string =>
  ahead > 0 ? `Waiting: ${ahead} before it at ComfyUI.` : `Making the picture: ${Math.round(ratio * 100)}%.`;

const tail = (state: string): string => (state === 'reconnecting' ? 'Reconnecting…' : '');
