/**
 * `glimpse bench link`: the scenarios of the congestion bench on a real link. Glimpse and libwebrtc in turn send the same
 * pictures through the same relay to the same Chromium; what counts is what the viewer gets.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Browser } from 'playwright-core';
import { GlimpseError } from '../../src/errors.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import type { Side } from '../latency/server-process.ts';
import { queueAfterDropMs, riseMs } from '../link/change-figures.ts';
import { figuresOf } from '../link/figures.ts';
import { keepOtherCases } from '../link/kept-cases.ts';
import type { LinkCase, LinkReport, LinkSide, RealGoal } from '../link/link-report.ts';
import { realGoalsOf } from '../link/real-goals.ts';
import { runReal, SIDES, type RealRun } from '../link/real-run.ts';
import { readScenario, type Scenario } from '../link/scenario.ts';
import { simulate } from '../link/simulation.ts';
import { viewerFigures } from '../link/viewer-figures.ts';
import { plotLink } from '../plot/link-plot.ts';
import { describeMachine, textTable } from '../report.ts';

export interface LinkOptions {
  /** One file instead of the four that run by default. */
  scenario?: string | undefined;
  /** Directory for one SVG a case. */
  plots?: string | undefined;
  /** The report to be replaced: with `scenario`, its other cases are kept. */
  out?: string | undefined;
}

const SCENARIOS = join(import.meta.dirname, '../link/scenarios');
const DEFAULT_SCENARIOS = ['drop-and-return', 'rfc8867-5.1', 'loss-5', 'loss-20'];
const AFTER_DROP_MS = [2_000, 4_000];

/** @throws GlimpseError CONFIG_INVALID for a file that is no scenario, or not one for a single viewer */
export async function run({ scenario: file, plots, out }: LinkOptions): Promise<LinkReport> {
  const files = file === undefined ? DEFAULT_SCENARIOS.map((name) => join(SCENARIOS, `${name}.json`)) : [file];
  const scenarios = files.map(readScenario);
  for (const scenario of scenarios) refuseOthers(scenario);
  if (plots !== undefined) await mkdir(plots, { recursive: true });
  const browser = await launchChromium();
  const bar = new SingleBar({ format: '{bar} {value}/{total} | {name}', stream: process.stderr });
  bar.start(scenarios.length * SIDES.length, 0, { name: '' });
  try {
    const cases: LinkCase[] = [];
    for (const scenario of scenarios) {
      const runs = await runBoth(browser, scenario, (side) => bar.increment({ name: `${scenario.name}: ${side}` }));
      cases.push(caseOf(scenario, runs));
      if (plots !== undefined) await writeFile(join(plots, `link-${scenario.name}.svg`), plotLink(scenario, runs));
    }
    const goals = cases.flatMap(realGoalsOf);
    const machine = { ...describeMachine(), browser: `Chromium ${browser.version()}` };
    const report: LinkReport = { suite: 'link', machine, cases, goals };
    return file === undefined || out === undefined ? report : await keepOtherCases(report, out);
  } finally {
    bar.stop();
    await browser.close();
  }
}

function refuseOthers({ name, flows, clockJump, durationMs }: Scenario): void {
  const [flow] = flows;
  const whole = flow?.startMs === 0 && (flow.stopMs ?? durationMs) >= durationMs && flow.pauses.length === 0;
  const single = flows.length === 1 && flow?.kind === 'media' && whole;
  if (single && !clockJump) return;
  const reason = single
    ? 'a real clock cannot jump'
    : 'it must have exactly one flow, of kind media, from start to end';
  throw new GlimpseError('CONFIG_INVALID', { message: `scenario ${name} cannot run on the real link: ${reason}` });
}

async function runBoth(
  browser: Browser,
  scenario: Scenario,
  done: (side: Side) => void,
): Promise<Record<Side, RealRun>> {
  const glimpse = await runReal(browser, scenario, 'glimpse');
  done('glimpse');
  const libwebrtc = await runReal(browser, scenario, 'libwebrtc');
  done('libwebrtc');
  return { glimpse, libwebrtc };
}

function caseOf(scenario: Scenario, runs: Record<Side, RealRun>): LinkCase {
  const { name, seed, durationMs } = scenario;
  const { commit, measuredAt } = describeMachine();
  const used = (controller: 'glimpse' | 'gcc'): number =>
    figuresOf(scenario, simulate(scenario, controller)).utilisation;
  const sides = { glimpse: sideOf(scenario, runs.glimpse), libwebrtc: sideOf(scenario, runs.libwebrtc) };
  return {
    name,
    seed,
    durationMs,
    measured: { commit, measuredAt },
    sides,
    simulated: { glimpse: used('glimpse'), gcc: used('gcc') },
  };
}

function sideOf(scenario: Scenario, run: RealRun): LinkSide {
  const link = figuresOf(scenario, run.recording);
  const [record] = run.recording.flows;
  return {
    link,
    riseMs: link.segments.map((segment) => riseMs(record!, segment)),
    queueAfterDropMs: Object.fromEntries(
      AFTER_DROP_MS.map((afterMs) => [afterMs, queueAfterDropMs(record!, link.segments, afterMs)]),
    ),
    viewer: viewerFigures(run),
    relay: run.relay,
    targets: run.viewing.targets.map(({ atMs, targetBps, reason }) => [
      Math.round(atMs - run.beganAtMs),
      Math.round(targetBps),
      reason,
    ]),
    server: run.viewing.server,
  };
}

export function formatTable({ machine, cases, goals }: LinkReport): string {
  return [
    `real link; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.browser}, commit ${machine.commit}`,
    textTable([['', ...SIDES], ...cases.flatMap(caseRows)]),
    ...(goals.length > 0 ? [textTable([['goals', '', 'glimpse', 'libwebrtc', ''], ...goals.map(goalRow)])] : []),
  ].join('\n\n');
}

const goalRow = ({ case: name, goal, measured, libwebrtc, met }: RealGoal): string[] => [
  name,
  goal,
  measured,
  libwebrtc,
  met ? 'met' : 'MISSED',
];

function caseRows({ name, measured, sides, simulated }: LinkCase): string[][] {
  const row = (label: string, cell: (side: LinkSide) => string): string[] => [
    `  ${label}`,
    ...SIDES.map((side) => cell(sides[side])),
  ];
  const orNever = (ms: number | null | undefined): string => (ms === null || ms === undefined ? 'never' : `${ms} ms`);
  const before = [0, ...sides.glimpse.link.segments.map(({ capacityBps }) => capacityBps)];
  const segments = sides.glimpse.link.segments.flatMap(({ fromMs, capacityBps }, index) => [
    row(`from ${fromMs / 1_000} s, ${capacityBps / 1e6} Mbps: used`, ({ link }) =>
      percent(link.segments[index]?.utilisation ?? 0),
    ),
    ...(capacityBps > (before[index] ?? 0) ? [row('  85% in use after', ({ riseMs }) => orNever(riseMs[index]))] : []),
  ]);
  return [
    [`${name} (at ${measured.commit})`, '', ''],
    row('capacity used', ({ link }) => percent(link.utilisation)),
    ['  the same in virtual time (glimpse, gcc)', percent(simulated.glimpse), percent(simulated.gcc)],
    ...segments,
    row('queue p50 / p95 / p99, ms', ({ link }) => [link.queueP50Ms, link.queueP95Ms, link.queueP99Ms].join(' / ')),
    row('packets lost', ({ link }) => percent(link.lossRatio)),
    row('NACKs, PLIs', ({ viewer }) => `${viewer.nacks}, ${viewer.plis}`),
    row('keyframes sent, decoded', ({ server, viewer }) =>
      [Number(server?.['keyframes']), viewer.keyframesDecoded].join(', ').replace('NaN', '-'),
    ),
    row('freezes, frozen', ({ viewer }) => `${viewer.freezes}, ${viewer.frozenMs} ms`),
    row(
      'frames received / decoded / presented',
      ({ viewer }) => `${viewer.framesReceived} / ${viewer.framesDecoded} / ${viewer.framesPresented}`,
    ),
    row('jitter buffer, mean', ({ viewer }) => `${viewer.jitterBufferMs} ms`),
    row('longest gap', ({ viewer }) => `${viewer.longestGapMs} ms at ${(viewer.longestGapAtMs / 1_000).toFixed(1)} s`),
    row('connected, first frame', ({ viewer }) => `${orNever(viewer.connectMs)}, ${orNever(viewer.firstFrameMs)}`),
    row('frames presented a second, worst second', ({ viewer }) => `${viewer.presentedFps}, ${viewer.worstSecondFps}`),
    row('glass to glass p50 / p95, ms', ({ viewer }) =>
      viewer.glassToGlass ? `${viewer.glassToGlass.p50} / ${viewer.glassToGlass.p95}` : '-',
    ),
    row('PSNR p50 / p5', ({ viewer: { quality } }) => (quality ? `${quality.p50Db} / ${quality.p5Db} dB` : '-')),
    row('resolution: largest, usual, last', ({ viewer: { resolution } }) =>
      [resolution.largest, resolution.usual, resolution.last].join(' '),
    ),
    row('relay late p50 / p99, ms', ({ relay }) => `${relay.lateness.forward.p50Ms} / ${relay.lateness.forward.p99Ms}`),
  ];
}

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
