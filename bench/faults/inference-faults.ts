/** The inference thread dead, and hanging, in a live session of the embedded model: until there are pictures of a new prompt. */
import type { Worker } from 'node:worker_threads';
import { ThreadHanger } from '../support/faults/hanging-thread.ts';
import { LiveSessions, until } from '../generation/live-sessions.ts';
import { packsOf } from '../generation/packs.ts';
import { atMost, type FaultFigure } from './figure.ts';

const TIMES = 5;
/** Longer than anybody waits for pictures; then the thread ends, and its memory is free. */
const HANG_MS = 6_000;
const WAIT_MS = 20_000;

export async function inferenceFaults(): Promise<FaultFigure[]> {
  const [pack] = await packsOf('auto');
  if (!pack) return [];
  let thread: Worker | undefined;
  const onWorker = (worker: Worker): void => {
    thread = worker;
  };
  process.on('worker', onWorker);
  try {
    using hanger = await ThreadHanger.attach();
    await using live = await LiveSessions.start(pack);
    const viewer = await live.open('refined', 1);
    await until(() => viewer.draftMs !== undefined, WAIT_MS);
    let newest = -1;
    viewer.session.events.on('tier', ({ revision }) => (newest = Math.max(newest, revision)));
    const worst = async (fault: () => unknown, restMs: number): Promise<number> => {
      const tookMs: number[] = [];
      for (let time = 0; time < TIMES; time++) {
        await live.watch(restMs / 1000 + 0.11 * time);
        const startedMs = performance.now();
        await fault();
        // A new prompt makes sure that something is to be computed.
        const { revision } = await viewer.session.control({
          type: 'prompt',
          prompt: `take ${time}`,
          transition: 'cut',
        });
        await until(() => newest >= revision, WAIT_MS);
        tookMs.push(performance.now() - startedMs);
      }
      return Math.max(...tookMs);
    };
    const dead = await worst(() => thread?.postMessage(null, []), 1_200);
    const hanging = await worst(async () => void setTimeout(await hanger.hang(), HANG_MS), HANG_MS);
    return [
      atMost(`inference thread dead, ${TIMES} times: pictures, slowest`, dead, 2_000, 'ms'),
      atMost(`inference thread hangs, ${TIMES} times: pictures, slowest`, hanging, 2_000, 'ms'),
    ];
  } finally {
    process.off('worker', onWorker);
  }
}
