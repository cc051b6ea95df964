/**
 * Writes the mobile scenarios of the congestion bench. Capacity is a random walk that is pulled back to its median (an
 * Ornstein-Uhlenbeck process on its logarithm, half a second a step), with fades that come as a Poisson process: what
 * published traces of cells look like in their mean, spread and memory. Run: node scripts/make-mobile-traces.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../bench/link/seeded-random.ts';

interface Cell {
  name: string;
  description: string;
  seed: number;
  medianBps: number;
  /** Standard deviation of the logarithm. */
  spread: number;
  /** Time in which half of a deviation is forgotten. */
  memoryMs: number;
  /** Mean time between fades, their length, and the share of capacity left in them. */
  fadeEveryMs: number;
  fadeMs: number;
  fadeShare: number;
  oneWayDelayMs: number;
  queueMs: number;
}

const STEP_MS = 500;
const DURATION_MS = 120_000;
const MIN_BPS = 100_000;
const MAX_BPS = 8_000_000;

const CELLS: readonly Cell[] = [
  {
    name: 'mobile-1-walking',
    description: 'a walk through a well-covered street',
    seed: 1,
    medianBps: 3_000_000,
    spread: 0.35,
    memoryMs: 4_000,
    fadeEveryMs: 30_000,
    fadeMs: 1_500,
    fadeShare: 0.3,
    oneWayDelayMs: 30,
    queueMs: 500,
  },
  {
    name: 'mobile-2-driving',
    description: 'a drive through a city',
    seed: 2,
    medianBps: 2_500_000,
    spread: 0.6,
    memoryMs: 2_000,
    fadeEveryMs: 15_000,
    fadeMs: 2_000,
    fadeShare: 0.2,
    oneWayDelayMs: 40,
    queueMs: 500,
  },
  {
    name: 'mobile-3-train',
    description: 'a train between cells and through cuttings',
    seed: 3,
    medianBps: 1_800_000,
    spread: 0.7,
    memoryMs: 5_000,
    fadeEveryMs: 12_000,
    fadeMs: 3_000,
    fadeShare: 0.1,
    oneWayDelayMs: 60,
    queueMs: 1_000,
  },
  {
    name: 'mobile-4-crowded',
    description: 'a crowded cell whose share changes all the time',
    seed: 4,
    medianBps: 1_200_000,
    spread: 0.45,
    memoryMs: 1_000,
    fadeEveryMs: 40_000,
    fadeMs: 1_000,
    fadeShare: 0.3,
    oneWayDelayMs: 50,
    queueMs: 800,
  },
  {
    name: 'mobile-5-edge',
    description: 'the edge of coverage',
    seed: 5,
    medianBps: 600_000,
    spread: 0.5,
    memoryMs: 3_000,
    fadeEveryMs: 20_000,
    fadeMs: 2_500,
    fadeShare: 0.25,
    oneWayDelayMs: 80,
    queueMs: 1_000,
  },
];

function trace({ seed, medianBps, spread, memoryMs, fadeEveryMs, fadeMs, fadeShare }: Cell): object[] {
  const random = seededRandom(seed);
  const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const kept = 0.5 ** (STEP_MS / memoryMs);
  const steps: object[] = [];
  let deviation = spread * gaussian();
  let fadeUntilMs = 0;
  for (let atMs = 0; atMs < DURATION_MS; atMs += STEP_MS) {
    deviation = kept * deviation + Math.sqrt(1 - kept ** 2) * spread * gaussian();
    if (random() < STEP_MS / fadeEveryMs) fadeUntilMs = atMs + fadeMs;
    const bps = medianBps * Math.exp(deviation) * (atMs < fadeUntilMs ? fadeShare : 1);
    steps.push({ atMs, capacityBps: Math.round(Math.min(Math.max(bps, MIN_BPS), MAX_BPS) / 1_000) * 1_000 });
  }
  return steps;
}

for (const cell of CELLS) {
  const { name, description, seed, oneWayDelayMs, queueMs } = cell;
  const head = { name, description, durationMs: DURATION_MS, seed, oneWayDelayMs, queueMs, jitterMs: 20, lossRatio: 0 };
  const tail = { flows: [{ kind: 'media', startMs: 0 }], feedbackIntervalMs: 100 };
  const lines = trace(cell).map((step) => `    ${JSON.stringify(step)}`);
  const text = JSON.stringify({ ...head, forward: [], ...tail }, null, 2);
  const path = join(import.meta.dirname, `../bench/link/scenarios/${name}.json`);
  writeFileSync(path, `${text.replace('"forward": []', () => `"forward": [\n${lines.join(',\n')}\n  ]`)}\n`);
}
