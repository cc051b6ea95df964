/** Where a slice starts: from its own noise with all steps, or from latents raised part of the way to noise. */
import { GlimpseError } from '../../../errors.ts';
import type { SliceJob } from '../../generator.ts';
import { raiseNoise, stepsFrom } from '../../slices/latents.ts';
import { latentNoise } from '../../slices/noise.ts';
import { fewerSteps, type DenoiseStep } from '../../slices/schedule.ts';
import type { Manifest } from '../pack/model-pack.ts';

export interface StartingPoint {
  latent: Float32Array;
  steps: DenoiseStep[];
}

/** @throws GlimpseError PARAMETER_INVALID when latents handed in are not of this model, or a strength is no level. */
export function startingPoint(job: SliceJob, { latent, sampler }: Manifest): StartingPoint {
  const length = latent.tokens * latent.channels;
  checkLatents(job, length);
  const noise = latentNoise(job.seed, job.slice, length);
  const { start, maxSteps = Infinity } = job;
  const steps = fewerSteps(stepsFrom(sampler.sigmas, start?.strength ?? 1), maxSteps);
  return { latent: start ? raiseNoise(start.latents, noise, start.strength) : noise, steps };
}

function checkLatents({ previous, start, reference }: SliceJob, length: number): void {
  for (const [parameter, latents] of Object.entries({ previous, start: start?.latents, reference })) {
    if (latents === undefined || latents.length === length) continue;
    const details = { parameter, expected: length, found: latents.length };
    throw new GlimpseError('PARAMETER_INVALID', { details });
  }
  if (start && !(start.strength >= 0 && start.strength <= 1))
    throw new GlimpseError('PARAMETER_INVALID', { details: { parameter: 'strength', expected: '0 to 1' } });
}
