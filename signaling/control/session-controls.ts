/**
 * Control of one session over all ways at once (WebSocket, data channel, HTTP): they share one rate limit. A prompt
 * above the rate is not refused: the newest waits for its turn, and the prompts it replaced receive the same answer.
 */
import { systemClock, type Timer } from '../../src/clock.ts';
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
  /** Longest prompt of this user, characters; undefined: the session's limit. */
  promptMaxChars: number | undefined;
  /** The normalised prompt. @throws GlimpseError PROMPT_REFUSED, PROMPT_FILTER_DOWN, and as `parsePrompts` */
  allowed: (prompt: string) => Promise<string>;
  /** A newer prompt replaced one. */
  onMerged: () => void;
}

/** A reply that may take a while does not block the messages after it. */
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
  /** The newest waiting prompt, and every request that its result answers. */
  #next: { message: PromptMessage; waiting: Waiting[] } | undefined;
  #busy = false;
  #timer: Timer | undefined;

  constructor(session: Session, rules: ControlRules) {
    this.#session = session;
    this.#rules = rules;
    session.events.on('closed', () => this.#end());
  }

  /** Never throws: refusals arrive through `reply`, RATE_LIMITED above the limit. */
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
      const onTurn = (): void => {
        this.#timer = undefined;
        this.#takeTurn();
      };
      this.#timer = systemClock.after(waitMs, onTurn, { background: true });
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
    this.#timer?.close();
    const { waiting = [] } = this.#next ?? {};
    this.#next = undefined;
    for (const { reject } of waiting) reject(new GlimpseError('SESSION_NOT_FOUND'));
  }
}

export function tooFast(waitMs: number): GlimpseError {
  return new GlimpseError('RATE_LIMITED', { retryAfterMs: Math.max(100, waitMs) });
}
