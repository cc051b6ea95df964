/** The embedded model under a memory budget: what stays loaded, what comes back, and that the pictures do not change. */
import { afterEach, describe, expect, it } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { MemoryMonitor } from '../../src/generation/engine/memory-monitor.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator, type OnnxGeneratorOptions } from '../../src/generation/onnx/model/onnx-generator.ts';
import { collect } from '../support/collect.ts';

const MB = 2 ** 20;
const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };
const live = { signal: new AbortController().signal };
const pixels = (renditions: readonly Rendition[]): Uint8Array[] =>
  renditions.flatMap(({ frames }) => frames.map(({ data }) => data));

describe('memory of the embedded model', () => {
  const open: OnnxGenerator[] = [];
  afterEach(() => Promise.all(open.splice(0).map((generator) => generator.close())));

  async function create(options: Partial<OnnxGeneratorOptions> = {}): Promise<OnnxGenerator> {
    const generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1, ...options });
    open.push(generator);
    return generator;
  }
  const states = async ({ memory }: OnnxGenerator): Promise<Record<string, string>> =>
    Object.fromEntries((await memory.report()).parts.map(({ name, state }) => [name, state]));

  it('reports every part with its size, in the order of a slice, and no GPU memory on a CPU', async () => {
    const generator = await create();
    const { parts, budgetBytes, processBytes, device } = await generator.memory.report();
    expect(parts.map(({ name }) => name).slice(0, 4)).toEqual(['text', 'denoiser', 'decoder', 'refiner']);
    for (const { state, bytes, uses } of parts) {
      expect(state).toBe('resident');
      // The upscaler is the smallest part: some 50 kB of weights.
      expect(bytes).toBeGreaterThan(40_000);
      expect(uses).toBe(0);
    }
    // It holds the weights of all parts, and runs ONNX Runtime.
    expect(processBytes).toBeGreaterThan(parts.reduce((sum, { weightBytes }) => sum + weightBytes, 0));
    expect(budgetBytes).toBe(Infinity);
    expect(device).toBeNull();
  });

  it('draws the same picture with parts half-loaded, cold, or one after another', async () => {
    const generator = await create();
    const expected = pixels(await collect(generator.generate(JOB, live)));
    await generator.memory.rest('half-loaded');
    expect(new Set(Object.values(await states(generator)))).toEqual(new Set(['half-loaded']));
    expect((await generator.memory.activate()).hit).toBe(true);
    expect(new Set(Object.values(await states(generator)))).toEqual(new Set(['resident']));
    expect(pixels(await collect(generator.generate(JOB, live)))).toEqual(expected);

    await generator.memory.rest('cold');
    expect((await generator.memory.activate()).hit).toBe(false);
    expect(pixels(await collect(generator.generate(JOB, live)))).toEqual(expected);

    generator.memory.setLowMemory(true);
    expect(pixels(await collect(generator.generate(JOB, live)))).toEqual(expected);
    const left = Object.entries(await states(generator)).filter(([, state]) => state !== 'cold');
    expect(left).toEqual([['refiner', 'resident']]);
  });

  it('after a death loads what is waited for, and the rest when it is asked for', async () => {
    using processes = new InferenceProcesses();
    const generator = await create();
    processes.kill();
    await processes.end();
    await collect(generator.generate({ ...JOB, stopAtTier: 'draft' }, live));
    expect(await states(generator)).toMatchObject({ denoiser: 'resident', decoder: 'resident', refiner: 'cold' });
    await collect(generator.generate(JOB, live));
    expect(await states(generator)).toMatchObject({ refiner: 'resident' });
  });

  it('works within a budget that holds only some of the parts at once', async () => {
    const whole = await create();
    const expected = pixels(await collect(whole.generate(JOB, live)));
    const { parts } = await whole.memory.report();
    const largest = Math.max(...parts.map(({ weightBytes }) => weightBytes));
    const generator = await create({ budgetBytes: largest * 1.5 });
    expect(pixels(await collect(generator.generate(JOB, live)))).toEqual(expected);
  });

  it('says so when a part does not fit, and when there is no such variant', async () => {
    await expect(create({ budgetBytes: MB })).rejects.toMatchObject({ code: 'MEMORY_BUDGET' });
    await expect(create({ variant: 'fp7' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('turns to low memory and back as the process fills and empties', async () => {
    const { memory } = await create();
    const modes: boolean[] = [];
    const pressures: string[] = [];
    let usedBytes = 50;
    using monitor = new MemoryMonitor({
      budgetBytes: 100,
      memory: { ...memory, setLowMemory: (on) => modes.push(on) },
      usedBytes: () => usedBytes,
      onPressure: (pressure) => pressures.push(pressure),
    });
    for (const used of [50, 85, 95, 80, 60]) {
      usedBytes = used;
      monitor.check();
    }
    expect(pressures).toEqual(['alert', 'low-memory', 'normal']);
    expect(modes).toEqual([false, true, false]);
  });
});
