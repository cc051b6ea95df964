/** The inference process dead, and hanging, in a live session of the embedded model: until there are pictures of a new prompt. */
import { InferenceProcesses } from '../support/faults/inference-processes.ts';
import { LiveSessions, until } from '../generation/live-sessions.ts';
import { packsOf } from '../generation/packs.ts';
import { atMost, type FaultFigure } from './figure.ts';

const TIMES = 5;
/** Between two faults. */
const REST_MS = 1_200;
const WAIT_MS = 20_000;

export async function inferenceFaults(): Promise<FaultFigure[]> {
  const [pack] = await packsOf('auto');
  if (!pack) return [];
  using processes = new InferenceProcesses();
  await using live = await LiveSessions.start(pack);
  const viewer = await live.open('refined', 1);
  await until(() => viewer.draftMs !== undefined, WAIT_MS);
  let newest = -1;
  viewer.session.events.on('tier', ({ revision }) => (newest = Math.max(newest, revision)));
  const worst = async (fault: () => unknown): Promise<number> => {
    const tookMs: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      await live.watch(REST_MS / 1000 + 0.11 * time);
      const startedMs = performance.now();
      fault();
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
  const dead = await worst(() => processes.kill());
  const hanging = await worst(() => processes.hang());
  return [
    atMost(`inference process dead, ${TIMES} times: pictures, slowest`, dead, 2_000, 'ms'),
    atMost(`inference process hangs, ${TIMES} times: pictures, slowest`, hanging, 2_000, 'ms'),
  ];
}
