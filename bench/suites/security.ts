/**
 * `glimpse bench security`: the attacks of docs/security.md against a real service, each figure beside its limit. Six
 * minutes; the same seeds as the tests, which hold everything but the times.
 */
import {
  churn,
  creations,
  dtlsFlood,
  foreignCandidates,
  malformed,
  mutated,
  slowSenders,
  zombies,
} from '../security/attacks.ts';
import type { SecurityFigure } from '../security/figures.ts';
import {
  clipsNowhere,
  foreignPages,
  forgedTokens,
  hoardedConnections,
  http2Drip,
  unicodePrompts,
} from '../security/service-attacks.ts';
import { uploadBombs } from '../security/uploads.ts';
import { killedBrowser } from '../security/killed-browser.ts';
import {
  dtlsResends,
  feedbackClaims,
  forgedChecks,
  repeatingOffers,
  sctpGaps,
  sctpLengths,
} from '../security/transport-attacks.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';

export interface SecurityReport {
  suite: 'security';
  machine: Machine;
  figures: (SecurityFigure & { met: boolean })[];
}

const ATTACKS: readonly (() => Promise<SecurityFigure[]>)[] = [
  malformed,
  mutated,
  foreignCandidates,
  dtlsFlood,
  sctpLengths,
  sctpGaps,
  feedbackClaims,
  repeatingOffers,
  forgedChecks,
  dtlsResends,
  creations,
  slowSenders,
  churn,
  zombies,
  hoardedConnections,
  http2Drip,
  forgedTokens,
  unicodePrompts,
  clipsNowhere,
  foreignPages,
  uploadBombs,
  killedBrowser,
];

export async function run(): Promise<SecurityReport> {
  const figures: SecurityReport['figures'] = [];
  for (const attack of ATTACKS) {
    for (const figure of await attack()) {
      figures.push({ ...figure, met: figure.value <= figure.limit });
      process.stderr.write(`${row(figures.at(-1)!).join('  ')}\n`);
    }
  }
  return { suite: 'security', machine: describeMachine(), figures };
}

export function formatTable({ machine, figures }: SecurityReport): string {
  const table = textTable([['attack', 'figure', 'measured', 'limit', 'met'], ...figures.map(row)]);
  return `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}\n\n${table}`;
}

const row = ({ attack, figure, value, limit, unit, met }: SecurityReport['figures'][number]): string[] => [
  attack,
  figure,
  `${value} ${unit}`.trim(),
  `${limit} ${unit}`.trim(),
  met ? 'yes' : 'NO',
];
