/**
 * Keeps calibrations between starts, one small JSON file per machine and pack. Losing one costs a second of measuring,
 * so nothing here fails: an unreadable one is measured again, an unwritable one is not kept.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Calibration } from './calibration.ts';
import { TIERS } from '../../../picture/tiers.ts';

/** Raise when older figures no longer mean the same. */
const VERSION = 2;

/** `${XDG_CACHE_HOME:-~/.cache}/glimpse` */
export const cacheDirectory = (environment: Readonly<Record<string, string | undefined>> = process.env): string =>
  join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'glimpse');

/** @param packHash identifies the weights that were measured */
export function calibrationFile(packHash: string, directory = cacheDirectory()): string {
  const machine = [VERSION, cpus()[0]?.model, availableParallelism(), process.platform, process.arch, packHash];
  const key = createHash('sha256').update(JSON.stringify(machine)).digest('hex').slice(0, 16);
  return join(directory, `calibration-${key}.json`);
}

export async function readCalibration(file: string): Promise<Calibration | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isCalibration(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the whole file or nothing. @returns false if it could not be kept */
export async function writeCalibration(file: string, calibration: Calibration): Promise<boolean> {
  const partial = `${file}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(partial, `${JSON.stringify(calibration, null, 2)}\n`);
    await rename(partial, file);
    return true;
  } catch {
    await rm(partial, { force: true }).catch(() => {});
    return false;
  }
}

function isCalibration(value: unknown): value is Calibration {
  if (typeof value !== 'object' || value === null) return false;
  const { pack, stepMs, decodeMs, refineMs, fastRefineMs, upscaleMs, batch, tierCap, threads, batchSize } =
    value as Partial<Calibration>;
  return (
    typeof pack === 'string' &&
    [stepMs, decodeMs, refineMs].every(isTime) &&
    [fastRefineMs, upscaleMs].every((ms) => ms === null || isTime(ms)) &&
    Array.isArray(batch) &&
    batch.every((entry) => isCount(entry?.size) && isTime(entry?.msPerSlice)) &&
    TIERS.some((tier) => tier === tierCap) &&
    isCount(threads) &&
    isCount(batchSize)
  );
}

const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1;
