/**
 * Arithmetic of slices and denoise steps. Pure. A timeline is cut into slices of a fixed number of frames; frame `n` of
 * a revision is shown from `n * 1000 / fps` ms after that revision began. All instants are computed from frame indices,
 * never by adding durations, so that nothing drifts.
 */

export interface SliceLength {
  frames: number;
  fps: number;
}

/** One Euler step from noise level `sigma` down to `sigmaNext` (1 is pure noise, 0 is the picture). */
export interface DenoiseStep {
  sigma: number;
  sigmaNext: number;
}

/** Slices that cover `seconds`; the last one may reach beyond it. At least one. */
export const sliceCount = (seconds: number, { frames, fps }: SliceLength): number =>
  Math.max(1, Math.ceil((seconds * fps) / frames - 1e-9));

export const sliceStartMs = (slice: number, { frames, fps }: SliceLength): number => (slice * frames * 1000) / fps;

/** Neighbouring noise levels as steps: n + 1 sigmas give n steps. */
export const denoiseSteps = (sigmas: readonly number[]): DenoiseStep[] =>
  sigmas.slice(1).map((sigmaNext, step) => ({ sigma: sigmas[step] as number, sigmaNext }));

/** The same range in at most `most` steps: drops noise levels evenly, never the first or the last. */
export function fewerSteps(steps: readonly DenoiseStep[], most: number): DenoiseStep[] {
  const last = steps.at(-1);
  if (last === undefined || steps.length <= most) return [...steps];
  const sigmas = [...steps.map(({ sigma }) => sigma), last.sigmaNext];
  const count = Math.max(1, Math.floor(most));
  return denoiseSteps(
    Array.from({ length: count + 1 }, (_, at) => sigmas[Math.round((at * steps.length) / count)] ?? 0),
  );
}

/** What Euler sampling needs of its noise levels: from 1 (pure noise) strictly down to 0 (the picture). */
export const areSigmas = (sigmas: readonly number[]): boolean =>
  sigmas.length >= 2 &&
  sigmas[0] === 1 &&
  sigmas.at(-1) === 0 &&
  sigmas.every((sigma, index) => index === 0 || sigma < (sigmas[index - 1] as number));
