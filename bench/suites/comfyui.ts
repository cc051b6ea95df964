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
}

/** @param quick fewer repetitions */
export async function run({ quick = false } = {}): Promise<ComfyUiReport> {
  await using server = await startServer();
  const frames = await measureFrames(server, quick ? 1 : 3);
  const submitMs = distribution(await measureSubmit(server, quick ? 20 : 100));
  const { samplesMs, framesLost } = await measureReconnect(server, quick ? 3 : 10);
  const memory = await measureMemory(server, quick ? 10 : 50);
  const reconnect = { ms: distribution(samplesMs), framesLost };
  return { suite: 'comfyui', machine: describeMachine(), frames, submitMs, reconnect, memory };
}

export function formatTable({ machine, frames, submitMs, reconnect, memory }: ComfyUiReport): string {
  const row = (what: string, value: string, goal: string, met: boolean): string[] => [
    what,
    value,
    goal,
    met ? 'met' : 'MISSED',
  ];
  const ms = (figure: Distribution | undefined): string =>
    figure === undefined ? 'none' : `${figure.p50} / ${figure.p95} / ${figure.max} ms`;
  const within = (figure: Distribution | undefined, limit: number): boolean => (figure?.p95 ?? Infinity) <= limit;
  const { decodeMs, aloneMs, firstFrameMs, lagMs, clips } = frames;
  const rows = [
    row('a frame, received to decoded', ms(decodeMs), 'p95 ≤ 8 ms', within(decodeMs, 8)),
    ['  of it decoding, alone on one thread', ms(aloneMs), '', ''],
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
  return [
    `comfyui, PNG of 960x544; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`,
    textTable([['p50 / p95 / max', '', 'goal', ''], ...rows]),
  ].join('\n\n');
}
