/**
 * What a call costs in CPU time of this process, as on a machine of known speed: a fixed piece of work is measured beside
 * each run, so a slow or shared machine does not make code look expensive. The median of several runs, since a
 * collection may fall into any one.
 */
const RUNS = 9;

/** CPU time of `work` on the machine that the limits were chosen on, ms: an AMD EPYC at rest. */
const WORK_MS = 2.1;
const TEXT = JSON.stringify(Array.from({ length: 10_000 }, (_, id) => ({ id, name: `n${id}`, list: [id, id + 1] })));

function work(): number {
  const items = JSON.parse(TEXT) as { id: number; list: number[] }[];
  return items.reduce((sum, { id, list }) => sum + id + (list[1] ?? 0), 0);
}

/** @returns milliseconds of that machine; a faster machine is not counted as such */
export async function cpuMs(call: () => void | Promise<void>): Promise<number> {
  const costs: number[] = [];
  const yardsticks: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    yardsticks.push(await spentMs(() => void work()));
    costs.push(await spentMs(call));
  }
  return median(costs) / Math.max(1, median(yardsticks) / WORK_MS);
}

async function spentMs(call: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  const pending = call();
  if (pending) await pending;
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
