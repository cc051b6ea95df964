/**
 * `glimpse bench comfyui`: what this service adds between a ComfyUI server and a viewer. The server is the stand-in, in a
 * process of its own, with pictures made beforehand: its own time is in no figure.
 */
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';
import { measureFrames, type FrameFigures } from '../comfyui/frames.ts';
import { measureMemory, type MemoryFigure } from '../comfyui/memory.ts';
import { measureReconnect } from '../comfyui/reconnect.ts';
import { measureSubmit } from '../comfyui/submit.ts';
import { startServer } from '../comfyui/server-handle.ts';

export interface ComfyUiReport {
  suite: 'comfyui';
  machine: Machine;
  frames: FrameFigures;
  submitMs: Distribution | undefined;
  reconnect: { ms: Distribution | undefined; framesLost: number };
  memory: MemoryFigure;
  goals: ComfyUiGoal[];
}

export interface ComfyUiGoal {
  name: string;
  measured: string;
  /** Empty for a figure that has none. */
  goal: string;
  met: boolean;
}

/** @param quick fewer repetitions */
export async function run({ quick = false } = {}): Promise<ComfyUiReport> {
  await using server = await startServer();
  const frames = await measureFrames(server, quick ? 1 : 3);
  const submitMs = distribution(await measureSubmit(server, quick ? 20 : 100));
  const { samplesMs, framesLost } = await measureReconnect(server, quick ? 3 : 10);
  const memory = await measureMemory(server, quick ? 10 : 50);
  const reconnect = { ms: distribution(samplesMs), framesLost };
  const figures = { frames, submitMs, reconnect, memory };
  return { suite: 'comfyui', machine: describeMachine(), ...figures, goals: goalsOf(figures) };
}

function goalsOf({
  frames,
  submitMs,
  reconnect,
  memory,
}: Omit<ComfyUiReport, 'suite' | 'machine' | 'goals'>): ComfyUiGoal[] {
  const row = (name: string, measured: string, goal: string, met: boolean): ComfyUiGoal => ({
    name,
    measured,
    goal,
    met,
  });
  const ms = (figure: Distribution | undefined): string =>
    figure === undefined ? 'none' : `${figure.p50} / ${figure.p95} / ${figure.max} ms`;
  const within = (figure: Distribution | undefined, limit: number): boolean => (figure?.p95 ?? Infinity) <= limit;
  const { decodeMs, aloneMs, firstFrameMs, lagMs, clips } = frames;
  return [
    row('a frame, received to decoded', ms(decodeMs), 'p95 ≤ 8 ms', within(decodeMs, 8)),
    row('  of it decoding, alone on one thread', ms(aloneMs), '', true),
    row('first frame of a tap, received to encoded', ms(firstFrameMs), 'p95 ≤ 50 ms', within(firstFrameMs, 50)),
    row(`event loop, ${clips} × 121 frames`, ms(lagMs), 'max ≤ 20 ms', (lagMs?.max ?? Infinity) <= 20),
    row('submitted to accepted', ms(submitMs), 'p95 ≤ 15 ms', within(submitMs, 15)),
    row('socket cut to socket open', ms(reconnect.ms), 'p95 ≤ 500 ms', within(reconnect.ms, 500)),
    row('frames lost by it', String(reconnect.framesLost), '0', reconnect.framesLost === 0),
    row(
      `memory, ${memory.clips} clips`,
      `${memory.growthMbPerClip.toFixed(2)} MB a clip`,
      '≤ 0.1 MB a clip',
      memory.growthMbPerClip <= 0.1,
    ),
  ];
}

export function formatTable({ machine, goals }: ComfyUiReport): string {
  const verdict = ({ goal, met }: ComfyUiGoal): string => (goal === '' ? '' : met ? 'met' : 'MISSED');
  const rows = goals.map((goal) => [goal.name, goal.measured, goal.goal, verdict(goal)]);
  return [
    `comfyui, PNG of 960x544; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`,
    textTable([['p50 / p95 / max', '', 'goal', ''], ...rows]),
  ].join('\n\n');
}
