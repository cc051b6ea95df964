/** Spans, as a host process with a real OpenTelemetry SDK sees them. */
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import type { Generator, SliceJob } from '../../src/generation/generator.ts';
import { TracedGenerator, tracedSession } from '../../src/tracing.ts';
import { FakeSession } from '../support/fake-registry.ts';

const spans = new InMemorySpanExporter();
const job: SliceJob = { revision: 2, slice: 3, prompt: 'private words', seed: 1, startMs: 0, stopAtTier: 'upscaled' };
const REQUEST = { prompt: 'private words', mode: 'live', seconds: 4 } as const;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
});
afterEach(() => spans.reset());
afterAll(() => {
  trace.disable();
  context.disable();
});

const generate = async (generator: Generator, stopAfter = Infinity) => {
  let taken = 0;
  for await (const rendition of generator.generate(job, { signal: new AbortController().signal }))
    if (rendition && ++taken >= stopAfter) break;
};

describe('a slice', () => {
  it('is a span with an event for each rendition, inside the span of whoever asked', async () => {
    const generator = new TracedGenerator(new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 10 }));
    await trace.getTracer('host').startActiveSpan('host', async (host) => {
      await generate(generator);
      host.end();
    });
    const [slice, host] = spans.getFinishedSpans();
    expect(slice).toMatchObject({
      name: 'glimpse.slice',
      attributes: { 'glimpse.workflow': 'pattern', 'glimpse.revision': 2, 'glimpse.slice': 3 },
      parentSpanContext: { spanId: host?.spanContext().spanId },
    });
    const tiers = generator.info.tiers.map(({ tier }) => tier);
    expect(slice?.events.map(({ attributes }) => attributes?.['tier'])).toEqual(tiers);
    expect(JSON.stringify([slice?.attributes, slice?.events])).not.toContain('private');
  });

  it('ends its span when whoever asked wants no more', async () => {
    await generate(new TracedGenerator(new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 10 })), 1);
    expect(spans.getFinishedSpans()).toHaveLength(1);
  });

  it('says up to which tier the generator inside is to be asked while it recovers', () => {
    const recovering = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 10 }) as Generator;
    const traced = new TracedGenerator(recovering);
    expect(traced.tierCap).toBeUndefined();
    Object.defineProperty(recovering, 'tierCap', { value: 'base' });
    expect(traced.tierCap).toBe('base');
  });

  it('carries the code of a failure and not its words', async () => {
    const broken = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 10 }) as Generator;
    broken.generate = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new GlimpseError('GENERATOR_DOWN', { message: 'private words' })),
      }),
    });
    await expect(generate(new TracedGenerator(broken))).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    expect(spans.getFinishedSpans()).toMatchObject([
      { status: { code: SpanStatusCode.ERROR, message: 'GENERATOR_DOWN' } },
    ]);
  });
});

describe('a session', () => {
  it('is a span from its creation to its end, with its tiers and why it ended', async () => {
    const session = tracedSession(REQUEST, () => new FakeSession('secret-id', REQUEST));
    const tier = { revision: 0, slice: 0, tier: 'draft', computeMs: 9 } as const;
    session.events.emit('tier', { ...tier, startMs: 0, durationMs: 667, widthPx: 64, heightPx: 64 });
    expect(spans.getFinishedSpans()).toHaveLength(0);
    await session.close('the viewer left');
    const [span] = spans.getFinishedSpans();
    expect(span).toMatchObject({ name: 'glimpse.session', attributes: { 'glimpse.reason': 'the viewer left' } });
    expect(span?.events).toMatchObject([{ name: 'tier', attributes: tier }]);
    expect(JSON.stringify([span?.attributes, span?.events])).not.toMatch(/private|secret/);
  });

  it('that could not be made ends its span with the code', () => {
    const fail = () => {
      throw new GlimpseError('SESSION_LIMIT');
    };
    expect(() => tracedSession(REQUEST, fail)).toThrow(GlimpseError);
    expect(spans.getFinishedSpans()).toMatchObject([{ attributes: { 'glimpse.error': 'SESSION_LIMIT' } }]);
  });
});
