/**
 * Chooses the pack that serves and its number of threads: as the settings say, or for `auto` by earlier measurements on
 * this machine. Never measures, so that a start does not wait; `PackCalibrator` measures afterwards.
 */
import { createHash } from 'node:crypto';
import { type Calibration, choosePack } from './calibration.ts';
import { calibrationFile, readCalibration, writeCalibration } from './calibration-cache.ts';
import { calibrate, type CalibrateOptions } from './calibrate.ts';
import { loadModelPack, type Manifest, partsOf, readManifest } from './model-pack.ts';
import { embeddedPacks, findPack } from './pack-catalogue.ts';

export const AUTO = 'auto';

export interface PackSettings {
  /** Name of a pack that ships, a directory, or `auto`. */
  model: string;
  threads: number | typeof AUTO;
  /** `never`: ignores measurements. */
  calibrate: 'auto' | 'always' | 'never';
}

export interface ChosenPack {
  directory: string;
  threads: number;
  /** Undefined if this pack has not been measured on this machine. */
  calibration: Calibration | undefined;
  /** Denoise steps of a slice. */
  steps: number;
}

/** @throws GlimpseError MODEL_INVALID */
export async function chosenPack({ model, threads, calibrate: when }: PackSettings): Promise<ChosenPack> {
  const directories = await candidateDirectories(model);
  const packs = await Promise.all(
    directories.map(async (directory) => {
      const { calibration, steps } = await known(directory);
      return { directory, steps, calibration: when === 'never' ? undefined : calibration };
    }),
  );
  const [first] = packs;
  const measured = packs.filter(isMeasured);
  // A pack that was never measured may be fine: only one that was measured as too slow gives way.
  const chosen = (first && isMeasured(first) ? choosePack(measured) : first) ?? first;
  const { directory = '', calibration, steps = 1 } = chosen ?? {};
  return { directory, calibration, steps, threads: threads === AUTO ? (calibration?.threads ?? 1) : threads };
}

/** Measures the packs that `model` may mean, once per machine, and stores the results. */
export async function calibratePacks(
  model: string,
  { force = false, ...options }: CalibrateOptions & { force?: boolean } = {},
): Promise<{ directory: string; calibration: Calibration; cached: boolean }[]> {
  const results = [];
  for (const directory of await candidateDirectories(model)) {
    const { file, calibration: kept } = await known(directory);
    const cached = kept !== undefined && !force;
    const calibration = cached ? kept : await calibrate(await loadModelPack(directory), options);
    if (!cached) await writeCalibration(file, calibration);
    results.push({ directory, calibration, cached });
  }
  return results;
}

const candidateDirectories = async (model: string): Promise<string[]> =>
  model === AUTO ? (await embeddedPacks()).map(({ directory }) => directory) : [await findPack(model)];

interface Known {
  file: string;
  calibration: Calibration | undefined;
  steps: number;
}

async function known(directory: string): Promise<Known> {
  const manifest = await readManifest(directory);
  const file = calibrationFile(weightsHash(manifest));
  return { file, calibration: await readCalibration(file), steps: manifest.sampler.steps };
}

const isMeasured = <Pack extends { calibration: Calibration | undefined }>(
  pack: Pack,
): pack is Pack & { calibration: Calibration } => pack.calibration !== undefined;

/** The parts name their own hashes; the manifest adds sampler and sizes. */
const weightsHash = (manifest: Manifest): string =>
  createHash('sha256')
    .update(JSON.stringify([manifest.sampler, manifest.tiers, partsOf(manifest).map(([, { sha256 }]) => sha256)]))
    .digest('hex');
