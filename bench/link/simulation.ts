/**
 * Runs a scenario in virtual time with one controller in the role of `media`. The same scenario, seed and controller give
 * the same recording to the last bit.
 */
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { assertNever } from '../../src/errors.ts';
import type { ControllerName } from './controllers.ts';
import type { Flow, FlowContext } from './flow.ts';
import { MediaFlow } from './media-flow.ts';
import { Path } from './path.ts';
import { pathPlan, SEED_STRIDE, spanUs } from './path-plan.ts';
import { BIN_MS, FlowRecord, SAMPLE_MS, type Recording } from './recording.ts';
import type { FlowSpec, Scenario } from './scenario.ts';
import { seededRandom } from './seeded-random.ts';
import { CubicWindow } from './tcp/cubic.ts';
import { TcpFlow } from './tcp/flow.ts';
import { RenoWindow } from './tcp/reno.ts';
import { VirtualLink } from './virtual-link.ts';
import { VirtualTime } from './virtual-time.ts';

export function simulate(scenario: Scenario, controller: ControllerName): Recording {
  const { durationMs, seed } = scenario;
  const time = new VirtualTime(0);
  const timer = new PacerTimer({ clock: time });
  const forward = new Path(pathPlan(scenario, 'forward'));
  const records = scenario.flows.map(({ kind }) => new FlowRecord(kind, Math.ceil(durationMs / BIN_MS)));
  const link = new VirtualLink({
    time,
    forward,
    backward: new Path(pathPlan(scenario, 'backward')),
    onForward: (flow, _sizeBytes, nowUs, fate) => records[flow]!.add(nowUs, fate, forward.capacity),
  });
  const running = new Set<Flow>();
  const flows = scenario.flows.map((spec, index) => {
    const random = seededRandom(seed + (index + 2) * SEED_STRIDE);
    const flow = createFlow(spec, scenario, controller, timer, { index, time, link, random });
    time.at(spec.startMs * 1_000, () => {
      running.add(flow);
      flow.start();
    });
    if (spec.stopMs !== undefined) {
      time.at(spec.stopMs * 1_000, () => {
        running.delete(flow);
        flow.stop();
      });
    }
    return flow;
  });
  for (let atMs = 0; atMs < durationMs; atMs += SAMPLE_MS) {
    time.advance(Math.min(SAMPLE_MS, durationMs - atMs));
    flows.forEach((flow, index) => {
      records[index]!.targetBps.push((running.has(flow) ? flow.targetBps : undefined) ?? Number.NaN);
    });
  }
  for (const flow of running) flow.stop();
  return { durationMs, capacity: forward.capacity, flows: records };
}

function createFlow(
  { kind, pauses, transfer }: FlowSpec,
  { feedbackIntervalMs, clockJump }: Scenario,
  controller: ControllerName,
  timer: PacerTimer,
  context: FlowContext,
): Flow {
  switch (kind) {
    case 'media':
    case 'glimpse':
    case 'gcc':
      return new MediaFlow({
        ...context,
        controller: kind === 'media' ? controller : kind,
        timer,
        feedbackIntervalMs,
        pauses: pauses.map(spanUs),
        clockJump: clockJump && { atUs: clockJump.atMs * 1_000, jumpUs: clockJump.jumpMs * 1_000 },
      });
    case 'reno':
      return new TcpFlow({ ...context, createWindow: () => new RenoWindow(), transfer });
    case 'cubic':
    case 'tcp':
      return new TcpFlow({ ...context, createWindow: () => new CubicWindow(), transfer });
    default:
      return assertNever(kind);
  }
}
