/**
 * The limit: each part of a pack run bare, by itself, on one thread and on half of the machine's cores. What the service
 * adds is measured against these.
 */
import { availableParallelism } from 'node:os';
import { partsOf, type ModelPack } from '../../../src/generation/onnx/pack/model-pack.ts';
import { timingFeeds } from '../../../src/generation/onnx/runtime/part-feeds.ts';
import { workerParts } from '../../../src/generation/onnx/model/onnx-generator.ts';
import { OnnxRuntime } from '../../../src/generation/onnx/runtime/runtime.ts';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';

/** A whole slice for the decoder and the refiner; one step for the denoiser. */
const sizesOf = ({ manifest }: ModelPack): Record<string, number> => ({ b: 1, k: manifest.slice.frames });

async function measure(pack: ModelPack, threads: number, rounds: number): Promise<Figure[]> {
  await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads });
  const samples = new Map<string, number[]>();
  // In turn, so that what else the machine does falls on all parts alike; the first round allocates.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { inputs }] of partsOf(pack.manifest)) {
      const { computeMs } = await runtime.run(name, timingFeeds(inputs, sizesOf(pack)));
      if (round > 0) samples.set(name, [...(samples.get(name) ?? []), computeMs]);
    }
  }
  const suffix = threads === 1 ? '' : ` on ${threads} threads`;
  return [...samples].map(([part, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    const name = `${pack.manifest.name} ${part}${part === 'denoiser' ? ', one step' : ''}${suffix}`;
    return { name, value: sorted[sorted.length >> 1] ?? Number.NaN, unit: 'ms', limit: sorted[0] ?? Number.NaN };
  });
}

const section: Section = {
  name: 'parts',
  title: 'bare run of each part for one slice, median (limit: the fastest run)',
  order: 10,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    const threads = [...new Set([1, Math.min(2, availableParallelism())])];
    for (const pack of await packsOf(model)) {
      for (const count of threads) {
        onProgress(`${pack.manifest.name} on ${count} threads`);
        figures.push(...(await measure(pack, count, quick ? 3 : 25)));
      }
    }
    return figures;
  },
};
export default section;
