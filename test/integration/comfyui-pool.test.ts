/** Several ComfyUI servers as one backend: who gets the next prompt, and what happens when a server dies under it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ltxWorkflow } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import type { Pressure } from '../../src/generation/engine/memory-pressure.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { wholeRenditions } from '../support/whole-renditions.ts';

const JOB: SliceJob = {
  revision: 0,
  slice: 0,
  prompt: 'a red ball',
  seed: 7,
  startMs: 0,
  startAtTier: 'base',
  stopAtTier: 'refined',
};
const never = new AbortController().signal;

interface Fixture extends AsyncDisposable {
  standIns: [ComfyStandIn, ComfyStandIn];
  pool: ComfyPool;
  generator: ComfyUiGenerator;
  pressures: Pressure[];
}

async function fixture(): Promise<Fixture> {
  const standIns: Fixture['standIns'] = [await ComfyStandIn.start(), await ComfyStandIn.start()];
  const pressures: Pressure[] = [];
  const clients = standIns.map(({ url }) => new ComfyClient({ url, silenceMs: 100 }));
  const pool = new ComfyPool({ clients, checkIntervalMs: 20, onPressure: (pressure) => pressures.push(pressure) });
  const parameters = { ...readParameters(undefined), widthPx: 256, heightPx: 256, frames: 17 };
  const generator = new ComfyUiGenerator({ pool, workflow: ltxWorkflow('t2v-distilled', parameters) });
  const close = async (): Promise<void> => {
    await generator.close();
    await Promise.all(standIns.map((standIn) => standIn.close()));
  };
  return { standIns, pool, generator, pressures, [Symbol.asyncDispose]: close };
}

const generate = (generator: ComfyUiGenerator, changes: Partial<SliceJob> = {}): Promise<Rendition[]> =>
  wholeRenditions(generator.generate({ ...JOB, ...changes }, { signal: never }), generator.info.slice.frames);

describe('a pool of ComfyUI servers', () => {
  it('gives two slices to two servers, and both stages of one to the server that has its first', async () => {
    const before = takeHoldings();
    {
      await using held = await fixture();
      const { promise, resolve: goOn } = Promise.withResolvers<void>();
      for (const { faults } of held.standIns) faults.holdSteps = promise;
      const both = Promise.all([generate(held.generator, { seed: 1 }), generate(held.generator, { seed: 2 })]);
      while (held.standIns.some(({ queued }) => queued.length === 0)) await sleep(2);
      goOn();
      await both;
      for (const { prompts, executed } of held.standIns) {
        expect(prompts).toHaveLength(2);
        expect(new Set(prompts.map(({ graph }) => graph['stage1-noise']?.inputs['noise_seed'])).size).toBe(1);
        expect(executed.filter((name) => name === 'SamplerCustomAdvanced')).toHaveLength(2);
      }
    }
    await expectNoLeaks(before);
  });

  it('goes on at another server when one dies in the middle of a tap, and gives no frame twice', async () => {
    await using held = await fixture();
    const [first, second] = held.standIns;
    const died = Promise.withResolvers<void>();
    first.faults.holdAtImage = { image: 4, until: died.promise };
    const generating = generate(held.generator, { stopAtTier: 'base' });
    while (first.queued.length === 0) await sleep(2);
    await first.close();
    died.resolve();
    const [base] = await generating;
    expect(base?.frames).toHaveLength(held.generator.info.slice.frames);
    expect(second.prompts).toHaveLength(1);
    expect(new Set(base?.frames.map(({ data }) => data[0])).size).toBe(held.generator.info.slice.frames);
  });

  it('leaves a server alone that does not answer, and uses it again when it does', async () => {
    await using held = await fixture();
    const [first, second] = held.standIns;
    first.faults.answer = 'error';
    await held.pool.check();
    await generate(held.generator, { stopAtTier: 'base' });
    expect([first.prompts.length, second.prompts.length]).toEqual([0, 1]);
    delete first.faults.answer;
    second.faults.answer = 'html';
    await held.pool.check();
    await generate(held.generator, { stopAtTier: 'base', seed: 8 });
    expect([first.prompts.length, second.prompts.length]).toEqual([1, 1]);
  });

  it('keeps away from a server where others wait', async () => {
    await using held = await fixture();
    const [first, second] = held.standIns;
    await using other = new ComfyClient({ url: first.url });
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    first.faults.holdSteps = promise;
    const graph = { blank: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 40, color: 0 } } };
    const abort = new AbortController();
    const busy = other.run(
      { ...graph, tap: { class_type: 'SaveImageWebsocket', inputs: { images: ['blank', 0] } } },
      { signal: abort.signal },
    );
    while (first.queued.length === 0) await sleep(2);
    await held.pool.check();
    await generate(held.generator, { stopAtTier: 'base' });
    expect([first.prompts.length, second.prompts.length]).toEqual([1, 1]);
    abort.abort();
    await expect(busy).rejects.toMatchObject({ code: 'ABORTED' });
    goOn();
  });

  it('decodes in small tiles where memory is nine tenths full, and says so at 80% and at 90%', async () => {
    await using held = await fixture();
    const [first, second] = held.standIns;
    for (const share of [0.85, 0.95]) {
      first.usedMemoryShare = share;
      await held.pool.check();
    }
    expect(held.pressures).toEqual(['alert', 'low-memory']);
    expect(first.frees).toBe(1);
    second.faults.answer = 'error';
    await held.pool.check();
    await generate(held.generator, { stopAtTier: 'base' });
    expect(first.prompts[0]?.graph['base-decode']?.inputs['tile_size']).toBe(256);
    expect(first.prompts[0]?.graph['empty-video']?.inputs['width']).toBe(128);
    first.usedMemoryShare = 0.5;
    await held.pool.check();
    expect(held.pressures.at(-1)).toBe('normal');
  });

  it('asks a server again where the answer under way is older than the question', async () => {
    await using held = await fixture();
    const shares = [0.95];
    let meanwhile: Promise<void> | undefined;
    Object.defineProperty(held.standIns[0], 'usedMemoryShare', {
      get: () => {
        meanwhile ??= held.pool.check();
        return shares.shift() ?? 0.5;
      },
    });
    await held.pool.check();
    await meanwhile;
    expect(held.pressures).toEqual(['low-memory', 'normal']);
  });
});
