/** Scheduler configs as they come with models, and those that would paint something else than their model means. */
import { describe, expect, it } from 'vitest';
import { samplerFrom } from '../../../../src/generation/onnx/diffusers/sampling/scheduler-config.ts';

/** Of stabilityai/sd-turbo. */
const SD_TURBO = {
  _class_name: 'EulerDiscreteScheduler',
  _diffusers_version: '0.24.0.dev0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  interpolation_type: 'linear',
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  set_alpha_to_one: false,
  sigma_max: null,
  sigma_min: null,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: 'trailing',
  timestep_type: 'discrete',
  trained_betas: null,
  use_karras_sigmas: false,
};

describe('scheduler_config.json', () => {
  it("of SD-Turbo is Euler in 2 steps, the first at 999 with Stable Diffusion's noise", () => {
    const { name, sampler, defaultSteps } = samplerFrom(SD_TURBO);
    expect([name, defaultSteps]).toEqual(['EulerDiscreteScheduler', 2]);
    const steps = sampler.plan(2, 1);
    expect(steps.map(({ timestep }) => timestep)).toEqual([999, 499]);
    expect(steps[0]?.sigma).toBeCloseTo(14.6146, 3);
  });

  it('of an LCM is 4 steps by default, of SD3 a shift of 3', () => {
    expect(samplerFrom({ _class_name: 'LCMScheduler', original_inference_steps: 50 }).defaultSteps).toBe(4);
    const { sampler } = samplerFrom({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 });
    expect(sampler.plan(2, 1)[1]?.sigma).toBeCloseTo(0.0089, 3);
  });

  it.each([
    ['an unknown class', { _class_name: 'PNDMScheduler' }, 'PNDMScheduler', 'EulerDiscreteScheduler'],
    ['no class', { beta_start: 0.1 }, 'none', 'EulerDiscreteScheduler'],
    ['no object', 'Euler', 'none', 'EulerDiscreteScheduler'],
    ['Karras sigmas', { ...SD_TURBO, use_karras_sigmas: true }, 'not supported', 'use_karras_sigmas'],
    ['betas out of range', { ...SD_TURBO, beta_end: 12 }, 'not supported', 'beta_end'],
    [
      'a dynamic shift',
      { _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true },
      'not supported',
      'use_dynamic_shifting',
    ],
  ])('with %s is refused by name', (_name, config, found, expected) => {
    let error: unknown;
    try {
      samplerFrom(config);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'MODEL_INVALID',
      details: { found: expect.stringContaining(found), expected: expect.stringContaining(expected) },
    });
  });
});
