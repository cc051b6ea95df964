/**
 * `glimpse bench faults`: what dies or stands still under a running session, and how soon the viewer has pictures again;
 * each figure beside its limit. A minute and a half. What has no time in it is held by test/chaos/.
 */
import { encoderFaults } from '../faults/encoder-faults.ts';
import type { FaultFigure } from '../faults/figure.ts';
import { inferenceFaults } from '../faults/inference-faults.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';
import { killedBrowser } from '../security/killed-browser.ts';

export interface FaultsReport {
  suite: 'faults';
  machine: Machine;
  figures: (FaultFigure & { met: boolean })[];
}

async function browserFaults(): Promise<FaultFigure[]> {
  return (await killedBrowser()).map(({ attack, figure, value, limit, unit }) => ({
    name: `${attack}: ${figure}`,
    value,
    limit,
    unit,
  }));
}

const FAULTS = [encoderFaults, inferenceFaults, browserFaults];

export async function run(): Promise<FaultsReport> {
  const figures: FaultsReport['figures'] = [];
  for (const fault of FAULTS) {
    for (const figure of await fault()) {
      figures.push({ ...figure, met: figure.value <= figure.limit });
      process.stderr.write(`${row(figures.at(-1)!).join('  ')}\n`);
    }
  }
  return { suite: 'faults', machine: describeMachine(), figures };
}

export function formatTable({ machine, figures }: FaultsReport): string {
  const table = textTable([['fault', 'measured', 'limit', 'met'], ...figures.map(row)]);
  return `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}\n\n${table}`;
}

const row = ({ name, value, limit, unit, met }: FaultsReport['figures'][number]): string[] => [
  name,
  `${value} ${unit}`.trim(),
  `${limit} ${unit}`.trim(),
  met ? 'yes' : 'NO',
];
