/** Calibration through the real runtime, on the toy pack: what is measured is not judged, only what becomes of it. */
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';
import {
  cacheDirectory,
  calibrationFile,
  readCalibration,
  writeCalibration,
} from '../../src/generation/onnx/pack/calibration-cache.ts';
import type { Calibration } from '../../src/generation/onnx/pack/calibration.ts';
import { loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { timingFeeds } from '../../src/generation/onnx/runtime/part-feeds.ts';
import { PackCalibrator } from '../../src/generation/onnx/pack/pack-calibrator.ts';
import { calibratePacks, chosenPack } from '../../src/generation/onnx/pack/pack-choice.ts';
import { silentLog } from '../../src/log.ts';
import { eventually } from '../support/eventually.ts';

const KEPT: Calibration = {
  pack: 'toy 1.0.0',
  stepMs: 1,
  decodeMs: 1,
  refineMs: 1,
  fastRefineMs: null,
  upscaleMs: null,
  batch: [{ size: 1, msPerSlice: 1 }],
  tierCap: 'base',
  threads: 3,
  batchSize: 2,
};

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-calibration-'));
  model = join(folder, 'toy');
  await makeToyPack(model);
});
beforeEach(async () => {
  vi.stubEnv('XDG_CACHE_HOME', await mkdtemp(join(folder, 'cache-')));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const settings = () => ({ model, threads: 'auto', calibrate: 'auto' }) as const;
const calibrator = async (when: 'auto' | 'always' | 'never', isBusy = () => false) =>
  new PackCalibrator({ chosen: await chosenPack(settings()), model, when, isBusy, log: silentLog });

describe('calibratePacks', () => {
  it('measures every part once for each machine and pack, and finds it again', async () => {
    const [first] = await calibratePacks(model);
    expect(first).toMatchObject({ directory: model, cached: false, calibration: { pack: 'toy 1.0.0', threads: 1 } });
    expect(first?.calibration.batch.map(({ size }) => size)).toEqual([1, 2, 4]);
    for (const ms of [first?.calibration.stepMs, first?.calibration.upscaleMs]) expect(ms).toBeGreaterThanOrEqual(0);
    expect(await calibratePacks(model)).toEqual([{ ...first, cached: true }]);
    expect(await calibratePacks(model, { force: true })).toMatchObject([{ cached: false }]);
  });

  it('ends when aborted', async () => {
    await expect(calibratePacks(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('chosenPack', () => {
  it('goes by what was measured, and by the settings before that', async () => {
    expect(await chosenPack(settings())).toEqual({ directory: model, steps: 2, threads: 1, calibration: undefined });
    await calibratePacks(model);
    const [name = ''] = await readdir(cacheDirectory());
    await writeCalibration(join(cacheDirectory(), name), KEPT);
    expect(await chosenPack(settings())).toEqual({ directory: model, steps: 2, threads: 3, calibration: KEPT });
    expect(await chosenPack({ ...settings(), threads: 2 })).toMatchObject({ threads: 2 });
    expect(await chosenPack({ ...settings(), calibrate: 'never' })).toMatchObject({
      threads: 1,
      calibration: undefined,
    });
  });

  it('finds the packs that ship by name, and by themselves', async () => {
    expect((await chosenPack({ ...settings(), model: 'glimpse-s' })).directory).toMatch(/models\/glimpse-s$/);
    expect((await chosenPack({ ...settings(), model: 'auto' })).directory).toMatch(/models\/glimpse-s$/);
    const nowhere = chosenPack({ ...settings(), model: 'glimpse-xxl' });
    await expect(nowhere).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringMatching(/glimpse-s/) });
  });
});

describe('the calibrator of a service', () => {
  it('knows nothing until it has measured, then what counts for the sessions to come', async () => {
    await using service = await calibrator('auto');
    expect(service.current).toBeUndefined();
    service.start();
    await eventually(() => expect(service.current).toMatchObject({ pack: 'toy 1.0.0' }));
    await using next = await calibrator('auto');
    expect(next.current).toEqual(service.current);
  });

  it('waits while there are viewers, and ends with the service', async () => {
    const isBusy = vi.fn(() => true);
    const service = await calibrator('auto', isBusy);
    service.start();
    await eventually(() => expect(isBusy).toHaveBeenCalled());
    await service.close();
    expect(service.current).toBeUndefined();
  });

  it('does nothing when told never', async () => {
    await calibratePacks(model);
    await using service = await calibrator('never');
    service.start();
    await service.close();
    expect(service.current).toBeUndefined();
  });
});

describe('what is kept', () => {
  it('is measured again when it cannot be read', async () => {
    const file = calibrationFile('pack');
    expect(await readCalibration(file)).toBeUndefined();
    expect(await writeCalibration(file, KEPT)).toBe(true);
    expect(await readCalibration(file)).toEqual(KEPT);
    for (const damage of ['', '{', '[]', 'null', JSON.stringify({ ...KEPT, tierCap: 'perfect' }), '{"batch":[null]}']) {
      await writeFile(file, damage);
      expect(await readCalibration(file)).toBeUndefined();
    }
  });

  it('is given up where nothing can be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await chmod(join(folder, 'file'), 0o400);
    expect(await writeCalibration(calibrationFile('pack', join(folder, 'file')), KEPT)).toBe(false);
  });

  it('belongs to one pack', () => {
    expect(calibrationFile('one')).not.toBe(calibrationFile('other'));
    expect(cacheDirectory({ XDG_CACHE_HOME: '/x' })).toBe('/x/glimpse');
    expect(cacheDirectory({ XDG_CACHE_HOME: '' })).toMatch(/\.cache\/glimpse$/);
  });
});

describe('timingFeeds', () => {
  it('has every input of a part at its shape', async () => {
    const { manifest } = await loadModelPack(model);
    for (const part of Object.values(manifest.parts)) {
      const feeds = timingFeeds(part?.inputs ?? [], { b: 3, k: 2 });
      for (const { name, type, shape } of part?.inputs ?? []) {
        const wanted = shape.map((size) => (typeof size === 'number' ? size : size === 'b' ? 3 : 2));
        expect(feeds[name]).toMatchObject({ type, shape: wanted });
        expect(feeds[name]?.data).toHaveLength(wanted.reduce((product, size) => product * size, 1));
      }
    }
  });
});
