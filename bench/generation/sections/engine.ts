/** What the engine adds to the model: slices through scheduler and generator beside the bare run times of the same runs. */
import { systemClock } from '../../../src/clock.ts';
import { OnnxGenerator } from '../../../src/generation/onnx/model/onnx-generator.ts';
import { Scheduler } from '../../../src/generation/engine/scheduler.ts';
import { RANKS } from '../../../src/generation/engine/turn-order.ts';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';

const section: Section = {
  name: 'engine',
  title: 'one session: what scheduling adds to the sum of bare model runs (limit), a slice',
  order: 40,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    for (const { directory, manifest } of await packsOf(model)) {
      onProgress(manifest.name);
      await using generator = await OnnxGenerator.create({ modelDirectory: directory, threads: 1 });
      await generator.warmUp();
      const scheduler = new Scheduler({ clock: systemClock });
      const { signal } = new AbortController();
      const claim = { rank: RANKS.playhead, deadlineUs: 0, costMs: 0, user: 'one', weight: 1 };
      const prompt = generator.info.examples[0] ?? 'a';
      const stopAtTier = generator.info.tiers.at(-1)?.tier ?? 'base';
      const slices = quick ? 8 : 60;
      let bareMs = 0;
      const startedMs = performance.now();
      for (let slice = 0; slice < slices; slice++) {
        const job = { revision: 0, slice, prompt, seed: 1, startMs: 0, stopAtTier };
        const turn = (unit: Parameters<typeof scheduler.turn>[0]) => scheduler.turn(unit, claim, signal);
        for await (const { computeMs } of generator.generate(job, { signal, turn })) bareMs += computeMs;
      }
      const wholeMs = performance.now() - startedMs;
      figures.push(
        { name: `${manifest.name} slice`, value: wholeMs / slices, unit: 'ms', limit: bareMs / slices },
        { name: `${manifest.name} overhead`, value: (wholeMs / bareMs - 1) * 100, unit: '%', goal: { atMost: 5 } },
      );
      scheduler.close();
    }
    return figures;
  },
};
export default section;
