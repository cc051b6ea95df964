/** A process that loads one pack, makes one slice, and says how long that took and what memory it has. */
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';

export interface StartupReport {
  /** Pack checked and all parts loaded, ms since the start of loading. */
  loadedMs: number;
  /** The first slice is refined too. */
  warmMs: number;
  /** Resident before anything was loaded. */
  baselineMiB: number;
  rssMiB: number;
}

const rssMiB = (): number => process.memoryUsage().rss / 2 ** 20;

const baselineMiB = rssMiB();
const startedMs = performance.now();
const modelDirectory = process.env['GLIMPSE_BENCH_MODEL'] ?? '';
await using generator = await OnnxGenerator.create({ modelDirectory, threads: 1 });
const loadedMs = performance.now() - startedMs;
await generator.warmUp();
const warmMs = performance.now() - startedMs;
const { processBytes } = await generator.memory.report();
const report: StartupReport = { loadedMs, warmMs, baselineMiB, rssMiB: rssMiB() + processBytes / 2 ** 20 };
process.stdout.write(JSON.stringify(report));
