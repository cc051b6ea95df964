/** Scenario files: what ships is valid, and a mistake is answered with the key it was made in. */
import { readdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, readScenario, scenarioJsonSchema } from '../../../bench/link/scenario.ts';

const FOLDER = join(import.meta.dirname, '../../../bench/link/scenarios');
const files = readdirSync(FOLDER);
const valid = { name: 'x', durationMs: 1_000, forward: [{ atMs: 0, capacityBps: 1e6 }] };

describe('scenarios', () => {
  it.each(files)('%s is valid and named after its file', (file) => {
    expect(`${readScenario(join(FOLDER, file)).name}.json`).toBe(file);
  });

  it('have different names and cover all of RFC 8867 section 5', () => {
    expect(new Set(files).size).toBe(files.length);
    for (let part = 1; part <= 8; part++) expect(files.some((file) => file.startsWith(`rfc8867-5.${part}`))).toBe(true);
  });

  it('need no more than a name, a duration and a capacity', () => {
    expect(parseScenario(valid, 'here')).toMatchObject({
      seed: 1,
      oneWayDelayMs: 50,
      queueMs: 300,
      feedbackIntervalMs: 100,
      flows: [{ kind: 'media', startMs: 0 }],
    });
  });

  it.each([
    ['lossRatio', { lossRatio: 1.5 }],
    ['durationMs', { durationMs: 'long' }],
    ['lossRate', { lossRate: 0.1 }],
    ['forward', { forward: [] }],
    ['forward.0.capacityBps', { forward: [{ atMs: 0, capacityBps: -1 }] }],
    ['forward: the first step must be at 0', { forward: [{ atMs: 5, capacityBps: 1 }] }],
    [
      'forward: atMs must rise',
      {
        forward: [
          { atMs: 0, capacityBps: 1 },
          { atMs: 0, capacityBps: 2 },
        ],
      },
    ],
    ['flows.0.kind', { flows: [{ kind: 'quic' }] }],
    ['flows.0.stopMs', { flows: [{ kind: 'media', startMs: 5, stopMs: 5 }] }],
    ['outages.0: toMs', { outages: [{ fromMs: 5, toMs: 4 }] }],
  ])('are refused with the key: %s', (key, mistake) => {
    const parse = () => parseScenario({ ...valid, ...mistake }, 'here');
    expect(parse).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(parse).toThrow(key);
  });

  // Every key with every kind of mistake it allows: not there, of another type, out of range, not known.
  const step = { atMs: 0, capacityBps: 1e6 };
  const wrong: Record<string, readonly unknown[]> = {
    name: [undefined, 7, '', 'a b', 'x'.repeat(81)],
    description: [7],
    durationMs: [undefined, '1000', 99, 3_600_001, 1_000.5, Number.NaN],
    seed: ['1', -1, 2 ** 32, 1.5],
    oneWayDelayMs: ['50', -1, 10_001],
    queueMs: [null, -1, 60_001],
    jitterMs: [[], -1, 1_001],
    lossRatio: ['0', -0.1, 1.1],
    burstLoss: [1, { enterRatio: 0.1 }],
    'burstLoss.enterRatio': [undefined, '1', 2],
    'burstLoss.leaveRatio': [undefined, '1', -1],
    'burstLoss.lossRatio': ['1', 1.5],
    'burstLoss.extra': [1],
    forward: [undefined, 1e6, [], [{ ...step, atMs: 1 }], [step, step], [{ ...step, capacityBps: 0 }]],
    'forward.0.atMs': [undefined, '0', -1],
    'forward.0.capacityBps': [undefined, '1', -1, 1e11],
    'forward.0.extra': [1],
    backward: [1e6, [], [{ ...step, atMs: 1 }], [step, step], [{ ...step, capacityBps: 0 }]],
    outages: [{}, [1]],
    'outages.0.fromMs': [undefined, '0', -1],
    'outages.0.toMs': [undefined, '1', -1],
    'outages.0.direction': ['up', 1],
    blackHoles: [{}, [{ fromMs: 5, toMs: 4 }]],
    'clockJump.atMs': [undefined, '0', -1],
    'clockJump.jumpMs': [undefined, '0'],
    flows: [{}, [], Array.from({ length: 101 }, () => ({ kind: 'media' }))],
    'flows.0.kind': [undefined, 'quic', 1],
    'flows.0.startMs': ['0', -1],
    'flows.0.stopMs': ['0', -1, 0],
    'flows.0.oneWayDelayMs': ['0', -1, 10_001],
    'flows.0.pauses': [1, [{ fromMs: 2, toMs: 1 }]],
    'flows.0.transfer': [1, { minBytes: 2, maxBytes: 1, idleMeanMs: 0 }],
    'flows.0.transfer.minBytes': [undefined, '1', 0],
    'flows.0.transfer.maxBytes': [undefined, '1', 0],
    'flows.0.transfer.idleMeanMs': [undefined, '1', -1],
    'flows.0.extra': [1],
    feedbackIntervalMs: ['100', 9, 10_001],
    extra: [1],
  };
  const whole = {
    ...valid,
    burstLoss: { enterRatio: 0.01, leaveRatio: 0.3 },
    outages: [{ fromMs: 1, toMs: 2 }],
    clockJump: { atMs: 1, jumpMs: 5 },
    flows: [{ kind: 'tcp', transfer: { minBytes: 1, maxBytes: 2, idleMeanMs: 0 } }],
  };
  const mistakes = Object.entries(wrong).flatMap(([key, values]) => values.map((value) => ({ key, value })));

  it.each(mistakes)('are refused with the key: $key, $value', ({ key, value }) => {
    expect(() => parseScenario(whole, 'here')).not.toThrow();
    const scenario = structuredClone(whole) as Record<string, unknown>;
    const parts = key.split('.');
    const last = parts.pop()!;
    const parent = parts.reduce((at, part) => at[part] as Record<string, unknown>, scenario);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
    // A key that is not known is named in the text, behind the path of what holds it.
    const named = last === 'extra' ? `${parts.join('.')}.*"extra"` : key.replaceAll('.', String.raw`\.`);
    expect(() => parseScenario(scenario, 'here')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(named) }),
    );
  });

  it('have a JSON Schema that knows every key of those that ship', () => {
    const { properties } = scenarioJsonSchema() as { properties: Record<string, unknown> };
    for (const file of files)
      for (const key of Object.keys(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as object))
        expect(properties).toHaveProperty(key);
  });

  it('may name the schema for their editor, and the schema allows it', () => {
    const $schema = '../../docs/scenario.schema.json';
    expect(() => parseScenario({ ...valid, $schema }, 'here')).not.toThrow();
    expect(scenarioJsonSchema()).toMatchObject({ properties: { $schema: { type: 'string' } } });
  });

  it('are refused when they are no JSON, or not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'glimpse-scenario-'));
    try {
      writeFileSync(join(folder, 'a.json'), '{"name":');
      for (const name of ['a.json', 'b.json']) {
        expect(() => readScenario(join(folder, name))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
