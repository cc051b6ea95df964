/**
 * What steers one session, whichever way it comes (WebSocket, data channel, HTTP): counted together, so that three ways
 * are no three allowances. Prompts beyond their rate are not refused: the newest waits for its turn, and the older ones
 * are answered with what became of it.
 */
import { GlimpseError } from '../../src/errors.ts';
import { promptTooLong } from '../../src/generation/prompt/prompt.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import type { TokenBucket } from '../access/token-bucket.ts';
import type { AcceptedMessage, ControlMessage } from '../protocol.ts';
import { acceptedMessage } from '../socket/session-messages.ts';

type PromptMessage = Extract<ControlMessage, { type: 'prompt' }>;

export interface ControlRules {
  messages: TokenBucket;
  prompts: TokenBucket;
  /** Longest prompt of this user, characters; undefined: what a session takes. */
  promptMaxChars: number | undefined;
  /** The prompt in its one spelling. @throws GlimpseError PROMPT_REFUSED, PROMPT_FILTER_DOWN, and as `parsePrompts` */
  allowed: (prompt: string) => Promise<string>;
  /** A prompt was overtaken. */
  onMerged: () => void;
}

/** A reply that may take a while must not hold up the messages behind it. */
export interface Submitted {
  /** Whether the message waits for its turn. */
  waits: boolean;
  /** Rejects with GlimpseError. */
  reply: Promise<AcceptedMessage>;
}

interface Waiting {
  id: number | undefined;
  resolve: (message: AcceptedMessage) => void;
  reject: (error: unknown) => void;
}

export class SessionControls {
  readonly #session: Session;
  readonly #rules: ControlRules;
  /** The newest prompt that waits, and everyone it will answer. */
  #next: { message: PromptMessage; waiting: Waiting[] } | undefined;
  #busy = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Session, rules: ControlRules) {
    this.#session = session;
    this.#rules = rules;
    session.events.on('closed', () => this.#end());
  }

  /** Never throws: refusals come through `reply`. RATE_LIMITED when it is too much. */
  submit(message: ControlMessage): Submitted {
    const waitMs = this.#rules.messages.take(performance.now());
    if (waitMs > 0) return { waits: false, reply: Promise.reject(tooFast(waitMs)) };
    if (message.type !== 'prompt') return { waits: false, reply: this.#apply(message) };
    const { id, prompt } = message;
    const { promptMaxChars } = this.#rules;
    if (promptMaxChars !== undefined && prompt.length > promptMaxChars)
      return { waits: false, reply: Promise.reject(promptTooLong(prompt.length, promptMaxChars)) };
    const { promise, resolve, reject } = Promise.withResolvers<AcceptedMessage>();
    const waiting = this.#next?.waiting ?? [];
    if (waiting.length >= LIMITS.promptsMergedMax) return { waits: false, reply: Promise.reject(tooFast(1_000)) };
    if (waiting.length > 0) this.#rules.onMerged();
    this.#next = { message, waiting: [...waiting, { id, resolve, reject }] };
    this.#takeTurn();
    return { waits: this.#next !== undefined, reply: promise };
  }

  #takeTurn(): void {
    if (this.#busy || this.#next === undefined || this.#timer !== undefined) return;
    const waitMs = this.#rules.prompts.take(performance.now());
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#takeTurn();
      }, waitMs).unref();
      return;
    }
    const { message, waiting } = this.#next;
    this.#next = undefined;
    this.#busy = true;
    void this.#run(message, waiting);
  }

  async #run(message: PromptMessage, waiting: Waiting[]): Promise<void> {
    try {
      const prompt = await this.#rules.allowed(message.prompt);
      const { id: _, ...accepted } = await this.#apply({ ...message, prompt });
      for (const { id, resolve } of waiting) resolve({ ...accepted, ...(id === undefined ? {} : { id }) });
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    this.#busy = false;
    this.#takeTurn();
  }

  async #apply({ id, ...control }: ControlMessage): Promise<AcceptedMessage> {
    return acceptedMessage(await this.#session.control(control), id);
  }

  #end(): void {
    clearTimeout(this.#timer);
    const { waiting = [] } = this.#next ?? {};
    this.#next = undefined;
    for (const { reject } of waiting) reject(new GlimpseError('SESSION_NOT_FOUND'));
  }
}

export function tooFast(waitMs: number): GlimpseError {
  return new GlimpseError('RATE_LIMITED', { retryAfterMs: Math.max(100, waitMs) });
}
