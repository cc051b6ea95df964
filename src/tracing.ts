/**
 * Spans of the OpenTelemetry API: a session from creation to end, a slice from its first step to its last tier.
 * Without an SDK in the host process they only cost a function call; a product that registers an SDK sees them beside
 * its own. No span carries a prompt, an address or an id that grants access.
 */
import { context, SpanStatusCode, trace, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { toGlimpseError } from './errors.ts';
import type { GenerateOptions, Generator, GeneratorInfo, Rendition, SliceJob } from './generation/generator.ts';
import type { Session, SessionRequest } from './session/contract.ts';

/** Looked up at each use: the host may register its SDK after this module was loaded. */
const tracer = (): Tracer => trace.getTracer('glimpse');

/**
 * Creates a session inside a span that lasts as long as the session.
 * @throws any error of `create`; the span then ends with its code
 */
export function tracedSession<Made extends Session>(request: SessionRequest, create: () => Made): Made {
  const { mode, codec } = request;
  const attributes = { 'glimpse.mode': mode, ...(codec === undefined ? {} : { 'glimpse.codec': codec }) };
  const span = tracer().startSpan('glimpse.session', { attributes });
  try {
    const session = context.with(trace.setSpan(context.active(), span), create);
    session.events.on('tier', ({ revision, slice, tier, variant = 'full', computeMs }) =>
      span.addEvent('tier', { revision, slice, tier, variant, computeMs }),
    );
    session.events.on('error', (error) => recordError(span, error));
    session.events.on('closed', (reason) => {
      span.setAttribute('glimpse.reason', reason);
      span.end();
    });
    return session;
  } catch (error) {
    recordError(span, error);
    span.end();
    throw error;
  }
}

/** Wraps a generator: each job is a span with an event for every rendition. */
export class TracedGenerator implements Generator {
  readonly #generator: Generator;
  readonly embed?: (prompt: string) => Promise<Float32Array>;

  constructor(generator: Generator) {
    this.#generator = generator;
    if (generator.embed) this.embed = (prompt) => generator.embed!(prompt);
  }

  get info(): GeneratorInfo {
    return this.#generator.info;
  }

  get tierCap(): Generator['tierCap'] {
    return this.#generator.tierCap;
  }

  read(prompt: string): ReturnType<Generator['read']> {
    return this.#generator.read(prompt);
  }

  warmUp(): Promise<void> {
    return this.#generator.warmUp();
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const { revision, slice } = job;
    const attributes = { 'glimpse.workflow': this.info.name, 'glimpse.revision': revision, 'glimpse.slice': slice };
    const span = tracer().startSpan('glimpse.slice', { attributes });
    const inside: Context = trace.setSpan(context.active(), span);
    const iterator = this.#generator.generate(job, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await context.with(inside, () => iterator.next());
        if (done) return;
        const { tier, variant = 'full', computeMs, cached } = value;
        span.addEvent('rendition', { tier, variant, computeMs, ...(cached === undefined ? {} : { cached }) });
        yield value;
      }
    } catch (error) {
      recordError(span, error);
      throw error;
    } finally {
      await iterator.return?.();
      span.end();
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#generator[Symbol.asyncDispose]();
  }
}

/** Only the code: a foreign error's message may quote a viewer's input. An abort is no error. */
function recordError(span: Span, error: unknown): void {
  const { code } = toGlimpseError(error);
  if (code === 'ABORTED') return;
  span.setAttribute('glimpse.error', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
