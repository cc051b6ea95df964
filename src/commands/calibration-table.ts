/** Prints the calibration of every pack that may serve: the measurements, and what the service concludes from them. */
import type { Config } from '../config/config.ts';
import { LIVE_SHARE, liveShare } from '../generation/onnx/pack/calibration.ts';
import type { Variant } from '../generation/grades.ts';
import { planOf } from '../generation/onnx/pack/calibrate.ts';
import { calibratePacks, chosenPack } from '../generation/onnx/pack/pack-choice.ts';
import { readManifest } from '../generation/onnx/pack/model-pack.ts';
import { printTable } from './table.ts';

const HEADING = [
  'pack',
  'steps',
  'decode',
  'refine',
  'fast refine',
  'upscale',
  'step by batch',
  'live refined',
  'live refined fast',
  'live upscaled',
  'tier cap',
  'threads',
  'batch',
];

/** Measures what is unknown; `--calibrate` measures everything again. */
export async function printCalibrations(config: Config): Promise<void> {
  const results = await calibratePacks(config.model, { force: config.calibrate === 'always' });
  const rows = await Promise.all(
    results.map(async ({ directory, calibration, cached }) => {
      const { pack, stepMs, decodeMs, refineMs, fastRefineMs, upscaleMs, batch, tierCap, threads, batchSize } =
        calibration;
      const plan = planOf(await readManifest(directory));
      const share = (tier: 'refined' | 'upscaled', variant: Variant): string =>
        percent(liveShare(calibration, plan, tier, variant));
      return [
        cached ? pack : `${pack} (now)`,
        `${plan.steps}x ${stepMs.toFixed(1)}`,
        decodeMs.toFixed(1),
        refineMs.toFixed(1),
        fastRefineMs?.toFixed(1) ?? '-',
        upscaleMs?.toFixed(1) ?? '-',
        batch.map(({ size, msPerSlice }) => `${size}: ${msPerSlice.toFixed(1)}`).join(', '),
        share('refined', 'full'),
        fastRefineMs === null ? '-' : share('refined', 'fast'),
        share('upscaled', 'full'),
        tierCap,
        String(threads),
        String(batchSize),
      ];
    }),
  );
  process.stdout.write('\ncalibration: milliseconds a slice on one thread; live: share of one core at that tier\n');
  printTable([HEADING, ...rows]);
  const { directory, threads } = await chosenPack(config);
  const chosen = results.find((result) => result.directory === directory);
  process.stdout.write(
    `the service will use ${chosen?.calibration.pack ?? directory} with ${threads} thread${threads === 1 ? '' : 's'}; ` +
      `a tier is live when it takes at most ${percent(LIVE_SHARE)} of one core\n`,
  );
}

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(share * 100).toFixed(0)}%`);
