/**
 * Is the picture seen to sharpen? Chromium with the demo page beside the service, on a machine that does nothing else, and
 * with programs beside them that take a core each.
 */
import { launchChromium } from '../../support/browser/chromium.ts';
import { ServerHandle } from '../../latency/server-handle.ts';
import { distribution } from '../../report.ts';
import type { Figure, Section } from '../section.ts';
import { BusyCore } from '../sharpening/busy-core.ts';
import { firstRefinedMs, seenSlices, share } from '../sharpening/figures.ts';
import type { PageRecord } from '../sharpening/page-record.ts';
import { buildPage, watchPage } from '../sharpening/viewing.ts';

const SEED = 7;
/** Scenes in turn, so that no prompt is the one before. */
const PROMPTS = [
  'a yellow hot air balloon hovering over the desert by day',
  'a white boat at rest on the lake at sunset, bright sun',
  'snow falling on the mountains in daylight',
  'a purple hot air balloon rising over the meadow at dawn',
  'the sea at night, full moon, twinkling stars',
] as const;
/** Long enough for a prompt to become sharp, or to be seen not to. */
const EACH_MS = 4_000;
const GOALS = { refinedShare: 0.95, firstRefinedMs: 1_500 };

interface Condition {
  name: string;
  busyCores: number;
  /** Beyond what is promised: how it degrades. */
  goals: boolean;
}

const CONDITIONS: readonly Condition[] = [
  { name: 'quiet', busyCores: 0, goals: true },
  { name: 'one core busy', busyCores: 1, goals: true },
  { name: 'two cores busy', busyCores: 2, goals: false },
];

async function watch(
  condition: Condition,
  plan: { model: string; prompts: number; lastMs: number },
): Promise<Figure[]> {
  const server = await ServerHandle.start({ side: 'glimpse', generator: 'onnx', model: plan.model });
  const busy: BusyCore[] = [];
  try {
    for (let core = 0; core < condition.busyCores; core++) busy.push(await BusyCore.start());
    const browser = await launchChromium();
    try {
      const prompts = Array.from({ length: plan.prompts }, (_, index) => PROMPTS[index % PROMPTS.length] ?? '');
      const { url } = server;
      return figures(
        condition,
        await watchPage(browser, { url, seed: SEED, prompts, eachMs: EACH_MS, lastMs: plan.lastMs }),
      );
    } finally {
      await browser.close();
    }
  } finally {
    for (const core of busy) await core[Symbol.asyncDispose]();
    await server.stop();
  }
}

function figures({ name, goals }: Condition, seen: PageRecord): Figure[] {
  const slices = seenSlices(seen, seen.asked.length - 1);
  const refined = slices.filter((slice) => slice.refined);
  const fast = refined.filter((slice) => slice.fast);
  // A prompt that was never sharp took as long as it was watched, at least.
  const waits = firstRefinedMs(seen).map((ms) => ms ?? EACH_MS);
  const { p50 = Number.NaN, p95 = Number.NaN } = distribution(waits) ?? {};
  return [
    {
      name: `${name}: slices refined before they are seen`,
      value: share(refined.length, slices.length),
      unit: `of ${slices.length}`,
      ...(goals ? { goal: { atLeast: GOALS.refinedShare } } : {}),
    },
    {
      name: `${name}: of them by the fast refiner`,
      value: share(fast.length, refined.length),
      unit: `of ${refined.length}`,
    },
    { name: `${name}: prompt to first refined picture, p50`, value: p50, unit: `ms, ${waits.length} prompts` },
    {
      name: `${name}: prompt to first refined picture, p95`,
      value: p95,
      unit: `ms, ${waits.length} prompts`,
      ...(goals ? { goal: { atMost: GOALS.firstRefinedMs } } : {}),
    },
  ];
}

const section: Section = {
  name: 'sharpening',
  title:
    "Chromium with the demo page on the service's machine; a prompt's first slice, shown as a draft on purpose, is left out",
  order: 80,
  onlyByName: true,
  seed: SEED,
  async run({ model, quick, onProgress }) {
    await buildPage();
    const all: Figure[] = [];
    for (const condition of CONDITIONS) {
      onProgress(condition.name);
      all.push(...(await watch(condition, { model, prompts: quick ? 3 : 20, lastMs: quick ? 8_000 : 30_000 })));
    }
    return all;
  },
};
export default section;
