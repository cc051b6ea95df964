/**
 * Measures a model pack on this machine, in a second or two, in an inference process of its own, and decides by
 * calibration.ts. Each figure is the fastest of a few runs, because disturbances only add time.
 */
import { availableParallelism } from 'node:os';
import { GlimpseError } from '../../../errors.ts';
import {
  type BatchTime,
  type Calibration,
  chooseBatchSize,
  chooseThreads,
  chooseTierCap,
  type SlicePlan,
  type StageTimes,
  threadCandidates,
} from './calibration.ts';
import type { Manifest, ModelPack, PartName } from './model-pack.ts';
import { type FreeSizes, timingFeeds } from '../runtime/part-feeds.ts';
import { workerParts } from '../model/onnx-generator.ts';
import { OnnxRuntime } from '../runtime/runtime.ts';
import { refinerFrames, UPSCALER_FRAMES } from '../model/slice-run.ts';

const ROUNDS = 6;
const BATCH_SIZES = [1, 2, 4] as const;

export interface CalibrateOptions {
  signal?: AbortSignal | undefined;
  /** Awaited before each run, so that a service's viewers go first. */
  turn?: () => Promise<void>;
}

export const planOf = ({ sampler, slice, tiers }: Manifest): SlicePlan => ({
  steps: sampler.steps,
  ...slice,
  tiers: tiers.map(({ tier }) => tier),
});

/** @throws GlimpseError ABORTED, MODEL_INVALID, GENERATOR_DOWN */
export async function calibrate(pack: ModelPack, options: CalibrateOptions = {}): Promise<Calibration> {
  const { manifest } = pack;
  const times = await measureStages(pack, options);
  return {
    pack: `${manifest.name} ${manifest.version}`,
    ...times,
    tierCap: chooseTierCap(times, planOf(manifest)),
    threads: await fittingThreads(pack, times.stepMs, options),
    batchSize: chooseBatchSize(times.batch),
  };
}

/** A timed run of a part, with the lengths of its free dimensions. */
interface Timed {
  part: PartName;
  sizes?: FreeSizes;
}

/**
 * The fastest of a few runs of each, ms. They alternate, so that a busy moment of the machine spoils one run of each
 * instead of all runs of one.
 */
async function fastestRuns(
  pack: ModelPack,
  threads: number,
  timed: readonly Timed[],
  { signal, turn }: CalibrateOptions,
): Promise<number[]> {
  await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads });
  const fastest = timed.map(() => Infinity);
  // The first round allocates and does not count.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, { part, sizes = {} }] of timed.entries()) {
      await turn?.();
      if (signal?.aborted) throw new GlimpseError('ABORTED');
      const feeds = timingFeeds(pack.manifest.parts[part]?.inputs ?? [], { b: 1, ...sizes });
      const { computeMs } = await runtime.run(part, feeds, { signal });
      if (round > 0) fastest[index] = Math.min(fastest[index] ?? Infinity, computeMs);
    }
  }
  return fastest;
}

async function measureStages(pack: ModelPack, options: CalibrateOptions): Promise<StageTimes & { batch: BatchTime[] }> {
  const { slice, parts } = pack.manifest;
  const refinedTogether = refinerFrames(pack.manifest);
  const fastTogether = refinerFrames(pack.manifest, 'fast');
  const timed: Timed[] = [
    { part: 'decoder' },
    { part: 'refiner', sizes: { k: refinedTogether } },
    ...BATCH_SIZES.map((b): Timed => ({ part: 'denoiser', sizes: { b } })),
    ...(parts.fastRefiner ? [{ part: 'fastRefiner', sizes: { k: fastTogether } } as const] : []),
    ...(parts.upscaler ? [{ part: 'upscaler', sizes: { k: UPSCALER_FRAMES } } as const] : []),
  ];
  const [decodeMs = 0, refineMs = 0, ...rest] = await fastestRuns(pack, 1, timed, options);
  const batch = BATCH_SIZES.map((size, index) => ({ size, msPerSlice: hundredth((rest[index] ?? 0) / size) }));
  const optional = rest.slice(BATCH_SIZES.length);
  const fastMs = parts.fastRefiner && optional.shift();
  const upscaleMs = optional.shift();
  return {
    stepMs: batch[0]?.msPerSlice ?? 0,
    decodeMs: hundredth(decodeMs),
    refineMs: hundredth((refineMs * slice.frames) / refinedTogether),
    fastRefineMs: fastMs === undefined ? null : hundredth((fastMs * slice.frames) / fastTogether),
    upscaleMs: upscaleMs === undefined ? null : hundredth((upscaleMs * slice.frames) / UPSCALER_FRAMES),
    batch,
  };
}

async function fittingThreads(pack: ModelPack, stepMs: number, options: CalibrateOptions): Promise<number> {
  const times = [{ threads: 1, ms: stepMs }];
  for (const threads of threadCandidates(availableParallelism()).slice(1)) {
    const [ms = Infinity] = await fastestRuns(pack, threads, [{ part: 'denoiser' }], options);
    times.push({ threads, ms });
  }
  return chooseThreads(times);
}

const hundredth = (value: number): number => Math.round(value * 100) / 100;
