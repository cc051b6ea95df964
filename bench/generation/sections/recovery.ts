/** From half-loaded and cold to loaded, and from a dead inference process to pictures. */
import { InferenceProcesses } from '../../support/faults/inference-processes.ts';
import { OnnxGenerator } from '../../../src/generation/onnx/model/onnx-generator.ts';
import { LiveSessions, median, until } from '../live-sessions.ts';
import { packsOf } from '../packs.ts';
import type { ModelPack } from '../../../src/generation/onnx/pack/model-pack.ts';
import type { Figure, Section } from '../section.ts';

async function activation({ directory, manifest }: ModelPack, times: number): Promise<Figure[]> {
  await using generator = await OnnxGenerator.create({ modelDirectory: directory, threads: 1 });
  await generator.warmUp();
  const { memory } = generator;
  const measure = async (from: 'half-loaded' | 'cold'): Promise<number> => {
    const samples: number[] = [];
    for (let run = 0; run < times; run++) {
      await memory.rest(from);
      samples.push((await memory.activate()).ms);
    }
    return median(samples);
  };
  const cold = await measure('cold');
  const warm = await measure('half-loaded');
  return [
    { name: `${manifest.name} activation, warm`, value: warm, unit: 'ms', goal: { atMost: 100 } },
    { name: `${manifest.name} activation, cold`, value: cold, unit: 'ms' },
  ];
}

/** The process is killed at spread-out points of a live session; until the next rendition. */
async function death(pack: ModelPack, times: number): Promise<Figure> {
  using processes = new InferenceProcesses();
  await using live = await LiveSessions.start(pack);
  const viewer = await live.open('refined', 1);
  await until(() => viewer.draftMs !== undefined, 10_000);
  let renditions = 0;
  viewer.session.events.on('tier', () => (renditions += 1));
  const samples: number[] = [];
  for (let run = 0; run < times; run++) {
    await live.watch(1.2 + 0.11 * run);
    // A new prompt makes sure that something is being computed, and counts from the kill on.
    const { revision } = await viewer.session.control({ type: 'prompt', prompt: `take ${run}`, transition: 'cut' });
    const before = renditions;
    const killedMs = performance.now();
    processes.kill();
    await until(() => renditions > before && viewer.session.stats.revision >= revision, 20_000);
    samples.push(performance.now() - killedMs);
  }
  return {
    name: 'death of the process: next picture, worst',
    value: Math.max(...samples),
    unit: 'ms',
    goal: { atMost: 2000 },
  };
}

const section: Section = {
  name: 'recovery',
  title: 'getting the model back: after rest, and after its process has died',
  order: 60,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    for (const pack of await packsOf(model)) {
      onProgress(`${pack.manifest.name} activation`);
      figures.push(...(await activation(pack, quick ? 3 : 15)));
    }
    onProgress('death');
    const [pack] = await packsOf(model);
    if (pack) figures.push(await death(pack, quick ? 3 : 8));
    return figures;
  },
};
export default section;
