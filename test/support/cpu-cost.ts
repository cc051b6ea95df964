/** What a call costs in CPU time of this process: the median of several runs, since a collection may fall into any one. */
const RUNS = 9;

/** @returns milliseconds */
export async function cpuMs(call: () => void | Promise<void>): Promise<number> {
  const costs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    const pending = call();
    if (pending) await pending;
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1_000);
  }
  return costs.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)]!;
}
