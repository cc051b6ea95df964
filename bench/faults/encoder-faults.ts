/** The encoder's process killed, and stopped for three seconds, while a viewer over a real connection watches. Linux. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReceiver } from '../support/wire/load-receiver.ts';
import { until } from '../generation/live-sessions.ts';
import { Served } from '../load/served.ts';
import { atMost, type FaultFigure } from './figure.ts';

const FLAGS = ['--generator', 'pattern', '--size', '256x256', '--fps', '20', '--encoder', 'ffmpeg'];
const KILLS = 10;
const STOPPED_MS = 3_000;
/** A frame that comes later than usual by more than this is stale. */
const STALE_MS = 250;
const WAIT_MS = 20_000;

interface Arrival {
  atMs: number;
  rtpTimestamp: number;
  keyframe: boolean;
}

/** The encoders that a service runs, by Linux's record of its children. */
function encodersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** To those that are still there: the service ends encoders by itself. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

export async function encoderFaults(): Promise<FaultFigure[]> {
  const served = await Served.start(FLAGS);
  const arrivals: Arrival[] = [];
  const begun = new Set<number>();
  try {
    const viewer = await openReceiver(served.url, { prompt: 'a red ball' }, ({ header, payload }) => {
      // RFC 7741 section 4.2: the first packet of a frame; RFC 6386 section 9.1: its first bit is 0 in a keyframe.
      const begins = ((payload[0] ?? 0) & 0x17) === 0x10;
      // What fills a probe is an old frame once more, and no late one.
      const again = begun.has(header.timestamp);
      if (begins) begun.add(header.timestamp);
      if (begins && !again)
        arrivals.push({
          atMs: performance.now(),
          rtpTimestamp: header.timestamp,
          keyframe: ((payload[4] ?? 1) & 1) === 0,
        });
    });
    await until(() => arrivals.length > 20, WAIT_MS);
    const killed = await killings(served.pid, arrivals);
    const stopped = await stopping(served.pid, arrivals);
    const lost = viewer.connected ? 0 : 1;
    await viewer.close();
    return [
      atMost(`encoder killed, ${KILLS} times: keyframe at the viewer, slowest`, Math.max(...killed), 500, 'ms'),
      ...stopped,
      atMost('encoder killed and stopped: peer connections lost', lost, 0, ''),
    ];
  } finally {
    await served.stop();
  }
}

/** @returns from each kill to the next keyframe, ms */
async function killings(pid: number, arrivals: Arrival[]): Promise<number[]> {
  const tookMs: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    // Spread over the frame interval.
    await sleep(600 + 37 * kill);
    const atMs = performance.now();
    signal(encodersOf(pid), 'SIGKILL');
    const keyframe = (): Arrival | undefined => arrivals.find((arrival) => arrival.keyframe && arrival.atMs > atMs);
    await until(() => keyframe() !== undefined, WAIT_MS);
    tookMs.push((keyframe()?.atMs ?? Infinity) - atMs);
  }
  return tookMs;
}

async function stopping(pid: number, arrivals: Arrival[]): Promise<FaultFigure[]> {
  await sleep(1_000);
  // Arrival less RTP time, of the usual frame: what is more than that is delay.
  const ageMs = ({ atMs, rtpTimestamp }: Arrival): number => atMs - rtpTimestamp / 90;
  const usualMs =
    arrivals
      .slice(-20)
      .map(ageMs)
      .toSorted((a, b) => a - b)[10] ?? 0;
  const stoppedMs = performance.now();
  const encoders = encodersOf(pid);
  signal(encoders, 'SIGSTOP');
  await sleep(STOPPED_MS);
  const goesOnMs = performance.now();
  signal(encoders, 'SIGCONT');
  const fresh = (arrival: Arrival): boolean => arrival.atMs > goesOnMs && ageMs(arrival) - usualMs < STALE_MS;
  await until(() => arrivals.some(fresh), WAIT_MS);
  const back = (arrivals.find(fresh)?.atMs ?? Infinity) - goesOnMs;
  await sleep(1_000);
  // Replaced while they stood: none of them may be left beside those that took their place.
  await until(() => !encodersOf(pid).some((encoder) => encoders.includes(encoder)), WAIT_MS);
  const since = arrivals.filter(({ atMs }) => atMs > stoppedMs);
  const gaps = since.map(({ atMs }, index) => atMs - (since[index - 1]?.atMs ?? stoppedMs));
  const stale = since.filter((arrival) => ageMs(arrival) - usualMs >= STALE_MS).length;
  return [
    atMost('encoder stopped for 3 s: usual latency after it goes on', back, 1_000, 'ms'),
    atMost('encoder stopped for 3 s: longest without a picture', Math.max(...gaps), STOPPED_MS + 1_000, 'ms'),
    atMost(`encoder stopped for 3 s: frames over ${STALE_MS} ms late`, stale, 1, ''),
  ];
}
