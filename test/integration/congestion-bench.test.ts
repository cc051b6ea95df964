/** The scenario and the command of docs/congestion-bench.md, run as a reader runs them. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CongestionReport } from '../../bench/suites/congestion.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const bench = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['src/cli.ts', 'bench', 'congestion', ...args], { cwd: ROOT });
let folder: string;
let scenario: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-congestion-'));
  scenario = join(folder, 'my.json');
  const docs = await readFile(join(ROOT, 'docs/congestion-bench.md'), 'utf8');
  await writeFile(scenario, /```json\n(.*?)```/s.exec(docs)?.[1] ?? '');
});
afterAll(() => rm(folder, { recursive: true }));

describe('glimpse bench congestion', () => {
  it('runs the documented scenario and prints the documented JSON, the same each time', async () => {
    const reports = await Promise.all(
      [1, 2].map(async () => {
        const { stdout } = await bench('--scenario', scenario, '--json');
        return JSON.parse(stdout) as CongestionReport;
      }),
    );
    const [report, again] = reports;
    expect(JSON.stringify(report!.cases)).toBe(JSON.stringify(again!.cases));
    const figures = {
      utilisation: expect.any(Number),
      queueP50Ms: expect.any(Number),
      queueP95Ms: expect.any(Number),
      queueP99Ms: expect.any(Number),
      lossRatio: expect.any(Number),
    };
    const segment = { fromMs: 3_000, toMs: 5_000, capacityBps: 500_000, ...figures };
    const controller = { ...figures, segments: expect.any(Array), flows: [expect.objectContaining(figures)] };
    expect(report!.cases).toMatchObject([
      { name: 'lift', seed: 7, controllers: { glimpse: controller, gcc: controller } },
    ]);
    const { segments } = report!.cases[0]!.controllers.gcc;
    expect(segments).toHaveLength(3);
    expect(segments[1]).toMatchObject(segment);
  });

  it('prints a table and draws a plot', async () => {
    const { stdout } = await bench('--scenario', scenario, '--plots', join(folder, 'plots'));
    expect(stdout).toMatch(/^lift +\d/m);
    expect(await readdir(join(folder, 'plots'))).toEqual(['congestion-lift.svg']);
  });

  it('names the key of a mistake', async () => {
    const wrong = join(folder, 'wrong.json');
    await writeFile(wrong, JSON.stringify({ name: 'x', durationMs: 1_000, forward: [{ atMs: 0, capacity: 1 }] }));
    await expect(bench('--scenario', wrong)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/CONFIG_INVALID.*forward\.0/),
    });
  });
});
