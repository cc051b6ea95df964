/**
 * `glimpse bench generation`: what making the pictures costs, section by section; each section is a file of
 * `bench/generation/sections/`.
 */
import { SingleBar } from 'cli-progress';
import { type Figure, isMet, loadSections, type SectionContext } from '../generation/section.ts';
import { describeMachine, type Machine, textTable } from '../report.ts';

export interface GenerationOptions {
  /** Sections to run; when empty all but those that run only by name. */
  sections?: readonly string[];
  model?: string;
  quick?: boolean;
}

export interface GenerationReport {
  suite: 'generation';
  machine: Machine;
  quick: boolean;
  sections: { name: string; title: string; seed?: number; figures: Judged[] }[];
}

export async function run({
  sections: only = [],
  model = 'auto',
  quick = false,
}: GenerationOptions): Promise<GenerationReport> {
  const sections = await loadSections(only);
  const bar = new SingleBar({
    format: '{bar} {value}/{total} | {section}: {what}',
    stream: process.stderr,
    clearOnComplete: true,
  });
  const report: GenerationReport = { suite: 'generation', machine: describeMachine(), quick, sections: [] };
  bar.start(sections.length, 0, { section: '', what: '' });
  try {
    for (const section of sections) {
      const { name, title, seed } = section;
      bar.update({ section: name, what: '' });
      const context: SectionContext = { model, quick, onProgress: (what) => bar.update({ what }) };
      const figures = (await section.run(context)).map((figure) => ({ ...figure, met: isMet(figure) }));
      report.sections.push({ name, title, ...(seed === undefined ? {} : { seed }), figures });
      bar.increment();
    }
  } finally {
    bar.stop();
  }
  return report;
}

/** The report for people. */
export function formatTable({ sections, machine }: GenerationReport): string {
  const parts = sections.map(({ name, title, figures }) => {
    const grid = figures.filter(({ cell }) => cell !== undefined);
    const list = figures.filter(({ cell }) => cell === undefined);
    const tables = [...(grid.length > 0 ? [gridTable(grid)] : []), ...(list.length > 0 ? [listTable(list)] : [])];
    return `${name}: ${title}\n${tables.join('\n\n')}`;
  });
  return `${parts.join('\n\n')}\n\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`;
}

type Judged = Figure & { met: boolean };

function listTable(figures: readonly Judged[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    rounded(figure.value),
    figure.unit,
    figure.limit === undefined ? '' : rounded(figure.limit),
    goalOf(figure),
    verdictOf(figure),
  ]);
  return textTable([['figure', 'value', 'unit', 'limit', 'goal', ''], ...rows]);
}

/** How figures grow from one row to the next. */
function gridTable(figures: readonly Judged[]): string {
  const columns = [...new Set(figures.map(({ cell, unit }) => `${cell?.column}, ${unit}`))];
  const rows = [...new Set(figures.map(({ cell }) => cell?.row ?? ''))].map((row) => [
    row,
    ...columns.map((column) => {
      const figure = figures.find(({ cell, unit }) => cell?.row === row && `${cell.column}, ${unit}` === column);
      return figure ? [rounded(figure.value), goalOf(figure), verdictOf(figure)].filter(Boolean).join(' ') : '';
    }),
  ]);
  return textTable([['', ...columns], ...rows]);
}

const verdictOf = ({ goal, met }: Judged): string => (goal === undefined ? '' : met ? 'met' : 'MISSED');

function goalOf({ goal }: Figure): string {
  if (goal === undefined) return '';
  return 'atMost' in goal ? `<= ${rounded(goal.atMost)}` : `>= ${rounded(goal.atLeast)}`;
}

const rounded = (value: number): string => String(Math.round(value * 1000) / 1000);
