/**
 * A scenario of the congestion bench: one link, the flows on it, and a seed. Files are JSON; this schema checks them and
 * is what docs/congestion-bench.md describes. Times are milliseconds from the start, rates bits a second.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { GlimpseError } from '../../src/errors.ts';

const atMs = z.number().min(0).describe('ms from the start of the run');
const ratio = z.number().min(0).max(1);

const step = z.strictObject({ atMs, capacityBps: z.number().min(0).max(1e10).describe('bit/s; 0 is an outage') });
const steps = z
  .array(step)
  .min(1)
  .refine((list) => list[0]?.atMs === 0, { error: 'the first step must be at 0' })
  .refine((list) => list.every(({ atMs: at }, index) => index === 0 || at > list[index - 1]!.atMs), {
    error: 'atMs must rise from step to step',
  })
  .refine((list) => list.some(({ capacityBps }) => capacityBps > 0), {
    error: 'some step must have a capacity over 0',
  });

const span = z
  .strictObject({ fromMs: atMs, toMs: atMs })
  .refine(({ fromMs, toMs }) => toMs > fromMs, { error: 'toMs must be after fromMs' });
const interruption = z
  .strictObject({ fromMs: atMs, toMs: atMs, direction: z.enum(['forward', 'backward', 'both']).default('both') })
  .refine(({ fromMs, toMs }) => toMs > fromMs, { error: 'toMs must be after fromMs' });

export const FLOW_KINDS = ['media', 'glimpse', 'gcc', 'reno', 'cubic', 'tcp'] as const;
export type FlowKind = (typeof FLOW_KINDS)[number];

const transfer = z
  .strictObject({ minBytes: z.number().min(1), maxBytes: z.number().min(1), idleMeanMs: z.number().min(0) })
  .refine(({ minBytes, maxBytes }) => maxBytes >= minBytes, { error: 'maxBytes must not be under minBytes' });

const flow = z.strictObject({
  kind: z.enum(FLOW_KINDS),
  startMs: atMs.default(0),
  /** The scenario's end when left out. */
  stopMs: atMs.optional(),
  /** This flow's own one-way delay, both ways. */
  oneWayDelayMs: z.number().min(0).max(10_000).optional(),
  /** Media only: the source is silent. */
  pauses: z.array(span).default([]),
  /** TCP only: files with pauses between them instead of one endless transfer. */
  transfer: transfer.optional(),
});

export const scenarioSchema = z.strictObject({
  $schema: z.string().optional().describe('for editors'),
  name: z.string().regex(/^[\w.-]{1,80}$/, { error: 'letters, digits, dot, dash and underscore only' }),
  description: z.string().optional(),
  durationMs: z.number().int().min(100).max(3_600_000).describe('length of the run, ms'),
  seed: z.number().int().min(0).max(0xffff_ffff).default(1).describe('of everything random'),
  oneWayDelayMs: z.number().min(0).max(10_000).default(50).describe('each way, ms, without queue and jitter'),
  queueMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(300)
    .describe('drop-tail queue of the bottleneck, ms at the present capacity'),
  jitterMs: z.number().min(0).max(1_000).default(0).describe('most that jitter adds, ms'),
  lossRatio: ratio.default(0).describe('share of forward packets lost at random, 0 to 1'),
  burstLoss: z.strictObject({ enterRatio: ratio, leaveRatio: ratio, lossRatio: ratio.default(1) }).optional(),
  forward: steps,
  backward: steps.default([{ atMs: 0, capacityBps: 100_000_000 }]),
  outages: z.array(interruption).default([]),
  blackHoles: z.array(interruption).default([]),
  clockJump: z.strictObject({ atMs, jumpMs: z.number() }).optional(),
  flows: z
    .array(flow)
    .min(1)
    .max(100)
    .default([{ kind: 'media', startMs: 0, pauses: [] }]),
  feedbackIntervalMs: z.number().min(10).max(10_000).default(100).describe('of transport-wide feedback, ms'),
});
/** The JSON Schema of a file, for editors: docs/scenario.schema.json. What the keys have to do with one another it cannot say. */
export const scenarioJsonSchema = (): unknown => z.toJSONSchema(scenarioSchema, { io: 'input' });

export type Scenario = z.infer<typeof scenarioSchema>;
export type FlowSpec = Scenario['flows'][number];

/** @throws GlimpseError CONFIG_INVALID naming the key. @param origin where it came from, for the message. */
export function parseScenario(value: unknown, origin: string): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw invalid(`${origin}: ${wrong.join('; ')}`, parsed.error);
  }
  const late = parsed.data.flows.findIndex(({ startMs, stopMs = Infinity }) => stopMs <= startMs);
  if (late >= 0) throw invalid(`${origin}: flows.${late}.stopMs: must be after startMs`);
  return parsed.data;
}

/** @throws GlimpseError CONFIG_INVALID when the file cannot be read, is not JSON, or is no scenario. */
export function readScenario(path: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  return parseScenario(value, path);
}

const invalid = (message: string, cause?: unknown): GlimpseError =>
  new GlimpseError('CONFIG_INVALID', { message: `scenario ${message}`, cause });
