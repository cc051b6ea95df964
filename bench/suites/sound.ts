/**
 * `bench sound`: how far sound and picture are apart in a browser, and how long sound is ever gone, on a clean link, at
 * 5% loss, and while the link narrows from 2 Mbps to 0.5. The goals are inside what ITU-R BT.1359 calls detectable.
 */
import { launchChromium } from '../support/browser/chromium.ts';
import { measureAvOffset, type AvFigure, type AvLink } from '../call/av-offset.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';

export interface SoundReport {
  suite: 'sound';
  machine: Machine;
  seconds: number;
  figures: AvFigure[];
}

const SECONDS = 40;
const path = { delayUs: 10_000, queueUs: 300_000, seed: 1 };
const WIDE = [{ fromUs: 0, bps: 20_000_000 }];
const LINKS: readonly AvLink[] = [
  { name: 'clean', forward: { ...path, capacity: WIDE }, offsetGoalMs: 20, gapGoalMs: undefined },
  { name: '5% loss', forward: { ...path, capacity: WIDE, lossRatio: 0.05 }, offsetGoalMs: 45, gapGoalMs: 60 },
  {
    name: '2 to 0.5 Mbps',
    forward: {
      ...path,
      capacity: [
        { fromUs: 0, bps: 2_000_000 },
        { fromUs: 15_000_000, bps: 500_000 },
      ],
    },
    offsetGoalMs: 45,
    gapGoalMs: undefined,
  },
];

export async function run({ seconds = SECONDS }: { seconds?: number | undefined } = {}): Promise<SoundReport> {
  const browser = await launchChromium();
  try {
    const figures: AvFigure[] = [];
    for (const link of LINKS) figures.push(await measureAvOffset(browser, link, seconds));
    return { suite: 'sound', machine: describeMachine(), seconds, figures };
  } finally {
    await browser.close();
  }
}

export function formatTable({ figures }: SoundReport): string {
  const rows = figures.map(({ name, pairs, offsetMs, sizeMs, longestGapMs, bufferMs, goal, met }) => [
    name,
    String(pairs),
    `${offsetMs?.p50 ?? '–'}`,
    `${sizeMs?.p95 ?? '–'}`,
    String(longestGapMs),
    `${bufferMs.audio} / ${bufferMs.video}`,
    `${goal}: ${met ? 'met' : 'missed'}`,
  ]);
  const head = ['link', 'beeps', 'sound late p50 ms', 'apart p95 ms', 'longest gap ms', 'buffers ms', 'goal'];
  return textTable([head, ...rows]);
}
