/** Scenario files: what ships is valid, and a mistake is answered with the key it was made in. */
import { readdirSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, readScenario } from '../../../bench/link/scenario.ts';

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
