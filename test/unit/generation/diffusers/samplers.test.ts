/** Samplers against the papers' tables, and against a model that knows the answer: then every step must lead to it. */
import { describe, expect, it } from 'vitest';
import { createRandom, gaussian } from '../../../../src/generation/slices/noise.ts';
import { EulerSampler } from '../../../../src/generation/onnx/diffusers/sampling/euler.ts';
import { FlowMatchSampler, shiftSigma } from '../../../../src/generation/onnx/diffusers/sampling/flow-match.ts';
import { boundaryConditions, LcmSampler } from '../../../../src/generation/onnx/diffusers/sampling/lcm.ts';
import { alphasCumulative, spacedTimesteps } from '../../../../src/generation/onnx/diffusers/sampling/noise-levels.ts';
import type {
  PredictionType,
  Sampler,
  SamplerStep,
} from '../../../../src/generation/onnx/diffusers/sampling/sampler.ts';

/** Stable Diffusion's. */
const BETAS = { schedule: 'scaled_linear', start: 0.00085, end: 0.012, trainSteps: 1000 } as const;
const EULER = { betas: BETAS, spacing: 'trailing', stepsOffset: 1, prediction: 'epsilon' } as const;
const LCM = { betas: BETAS, originalSteps: 50, timestepScaling: 10, prediction: 'epsilon' } as const;

const CLEAN = gaussian(createRandom(1), 64);
const NOISE = gaussian(createRandom(2), 64);
const timesteps = (sampler: Sampler, steps: number, strength = 1): number[] =>
  sampler.plan(steps, strength).map(({ timestep }) => timestep);

/** Runs a sampler with a model that sees the clean latent in any noise, by what it predicts. */
function run(
  sampler: Sampler,
  { steps, strength = 1, start }: { steps: number; strength?: number; start?: Float32Array },
  predict: (latent: Float32Array, step: SamplerStep) => Float32Array,
): { latent: Float32Array; denoised: Float32Array[] } {
  const plan = sampler.plan(steps, strength);
  let latent = sampler.begin(plan[0]!, NOISE, start);
  const denoised: Float32Array[] = [];
  for (const [index, step] of plan.entries()) {
    const fresh = (): Float32Array => gaussian(createRandom(3, index), latent.length);
    const result = sampler.advance(latent, predict(latent, step), step, fresh);
    denoised.push(result.denoised);
    latent = result.next;
  }
  return { latent, denoised };
}

const expectNear = (found: Float32Array, wanted: Float32Array, digits = 3): void => {
  for (const [index, value] of found.entries()) expect(value).toBeCloseTo(wanted[index]!, digits);
};

describe('noise levels', () => {
  it("are Stable Diffusion's: sigmas from 0.0292 to 14.6146", () => {
    const sigmas = alphasCumulative(BETAS).map((alpha) => Math.sqrt((1 - alpha) / alpha));
    expect(sigmas[0]).toBeCloseTo(0.0292, 4);
    expect(sigmas[999]).toBeCloseTo(14.6146, 3);
  });

  it('of the cosine schedule stay in range and end in noise', () => {
    const alphas = alphasCumulative({ ...BETAS, schedule: 'squaredcos_cap_v2' });
    expect(alphas[0]).toBeGreaterThan(0.999);
    expect(alphas[999]).toBeLessThan(1e-6);
  });

  // Lin et al., 2023, table 2, which counts timesteps from 1.
  it.each([
    ['linspace', 0, [1, 112, 223, 334, 445, 556, 667, 778, 889, 1000]],
    ['leading', 0, [1, 101, 201, 301, 401, 501, 601, 701, 801, 901]],
    ['trailing', 0, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]],
  ] as const)('are visited %s as the paper lists them', (spacing, offset, counted) => {
    const found = spacedTimesteps(10, { spacing, trainSteps: 1000, offset });
    expect(found.map((timestep) => Math.round(timestep) + 1).toReversed()).toEqual(counted);
  });
});

describe('Euler', () => {
  it('visits 999 in one step and 999, 749, 499, 249 in four, as SD-Turbo does', () => {
    const sampler = new EulerSampler(EULER);
    expect(timesteps(sampler, 1)).toEqual([999]);
    expect(timesteps(sampler, 4)).toEqual([999, 749, 499, 249]);
    expect(sampler.plan(4, 1)[0]?.sigma).toBeCloseTo(14.6146, 3);
    expect(sampler.plan(4, 1).at(-1)?.sigmaNext).toBe(0);
  });

  it('scales its input to unit variance', () => {
    const sampler = new EulerSampler(EULER);
    const [first] = sampler.plan(1, 1);
    const begun = sampler.begin(first!, NOISE, undefined);
    expectNear(
      sampler.input(begun, first!),
      NOISE.map((value) => (value * 14.6146) / Math.sqrt(14.6146 ** 2 + 1)),
    );
  });

  const predictions: Record<PredictionType, (latent: Float32Array, step: SamplerStep) => Float32Array> = {
    epsilon: (latent, { sigma }) => latent.map((value, at) => (value - CLEAN[at]!) / sigma),
    // v = alpha * noise - sigma' * clean, with both shares of a latent of unit variance.
    v_prediction: (latent, { sigma }) =>
      latent.map((value, at) => ((value - CLEAN[at]!) / sigma - sigma * CLEAN[at]!) / Math.sqrt(sigma ** 2 + 1)),
    sample: () => CLEAN,
  };

  it.each(['epsilon', 'v_prediction', 'sample'] as const)(
    'arrives at what a perfect model of %s sees',
    (prediction) => {
      for (const spacing of ['linspace', 'leading', 'trailing'] as const) {
        const sampler = new EulerSampler({ ...EULER, spacing, prediction });
        const { latent, denoised } = run(sampler, { steps: 5 }, predictions[prediction]);
        expectNear(latent, CLEAN);
        for (const each of denoised) expectNear(each, CLEAN);
      }
    },
  );

  it('starts from latents at the strength asked for, with what is left of its steps', () => {
    const sampler = new EulerSampler(EULER);
    expect(timesteps(sampler, 4, 0.6)).toEqual([599, 499, 249]);
    expect(timesteps(sampler, 1, 0.5)).toEqual([499]);
    expect(timesteps(sampler, 4, 0)).toEqual([]);
    const [first] = sampler.plan(4, 0.6);
    const begun = sampler.begin(first!, NOISE, CLEAN);
    expectNear(
      begun,
      CLEAN.map((value, at) => value + first!.sigma * NOISE[at]!),
    );
  });
});

describe('LCM', () => {
  it('visits every stride of the distillation: 999, 759, 499, 259 in four of 50', () => {
    expect(timesteps(new LcmSampler(LCM), 4)).toEqual([999, 759, 499, 259]);
    expect(timesteps(new LcmSampler(LCM), 1)).toEqual([999]);
  });

  it('never visits a timestep twice, whatever is asked for', () => {
    for (const steps of [1, 7, 50, 90])
      for (const strength of [0.01, 0.3, 1]) {
        const visited = timesteps(new LcmSampler(LCM), steps, strength);
        expect(visited.length).toBeGreaterThan(0);
        expect(new Set(visited).size).toBe(visited.length);
        expect(visited).toEqual(visited.toSorted((a, b) => b - a));
      }
  });

  it('is the identity at timestep 0 and the prediction far from it', () => {
    expect(boundaryConditions(0, 10)).toEqual({ skip: 1, out: 0 });
    const { skip, out } = boundaryConditions(999, 10);
    expect(skip).toBeCloseTo(0, 8);
    expect(out).toBeCloseTo(1, 8);
    // 0.25 / (10^2 + 0.25) and 10 / sqrt(100.25).
    expect(boundaryConditions(1, 10).skip).toBeCloseTo(0.002_493_766, 8);
    expect(boundaryConditions(1, 10).out).toBeCloseTo(0.998_752_339, 8);
  });

  it('arrives at what a perfect model sees, by way of fresh noise', () => {
    const sampler = new LcmSampler(LCM);
    const { latent } = run(sampler, { steps: 4 }, (noisy, { sigma }) =>
      noisy.map((value, at) => (value - Math.sqrt(1 - sigma ** 2) * CLEAN[at]!) / sigma),
    );
    expectNear(latent, CLEAN, 2);
  });
});

describe('flow matching', () => {
  it('keeps both ends and raises what is between', () => {
    expect(shiftSigma(1, 3)).toBe(1);
    expect(shiftSigma(0, 3)).toBe(0);
    expect(shiftSigma(0.5, 3)).toBe(0.75);
    expect(shiftSigma(0.3, 1)).toBeCloseTo(0.3, 12);
  });

  it('visits evenly spaced levels, shifted', () => {
    const unshifted = new FlowMatchSampler({ trainSteps: 1000, shift: 1 }).plan(4, 1);
    expect(unshifted.map(({ timestep }) => Math.round(timestep))).toEqual([1000, 667, 334, 1]);
    const shifted = new FlowMatchSampler({ trainSteps: 1000, shift: 3 }).plan(4, 1);
    // 1, 2/3, 1/3 of the way down to 3/1002, then 3s / (1 + 2s).
    for (const [index, level] of [1, 0.857_69, 0.602_15, 0.008_93].entries())
      expect(shifted[index]?.sigma).toBeCloseTo(level, 4);
    expect(shifted.at(-1)?.sigmaNext).toBe(0);
  });

  it('arrives at what a perfect model sees, from noise and from latents', () => {
    const sampler = new FlowMatchSampler({ trainSteps: 1000, shift: 3 });
    const velocity = (latent: Float32Array, { sigma }: SamplerStep): Float32Array =>
      latent.map((value, at) => (value - CLEAN[at]!) / sigma);
    expectNear(run(sampler, { steps: 4 }, velocity).latent, CLEAN);
    expectNear(run(sampler, { steps: 4, strength: 0.5, start: NOISE }, velocity).latent, CLEAN);
    expect(sampler.plan(4, 0.5)[0]).toMatchObject({ sigma: 0.5, timestep: 500 });
  });
});
