/**
 * Turns `scheduler/scheduler_config.json` into a sampler. Unsupported settings that would change the pictures are
 * refused by name, not ignored.
 */
import { z } from 'zod';
import { assertNever } from '../../../../errors.ts';
import { packError } from '../../pack/pack-error.ts';
import { EulerSampler } from './euler.ts';
import { FlowMatchSampler } from './flow-match.ts';
import { LcmSampler } from './lcm.ts';
import { BETA_SCHEDULES, TIMESTEP_SPACINGS, type BetaRules } from './noise-levels.ts';
import { PREDICTION_TYPES, type Sampler } from './sampler.ts';

const FILE = 'scheduler/scheduler_config.json';
const SUPPORTED = ['EulerDiscreteScheduler', 'LCMScheduler', 'FlowMatchEulerDiscreteScheduler'] as const;
export type SchedulerName = (typeof SUPPORTED)[number];

/** Must be off: not supported. */
const off = z.literal(false).nullish();
const trainSteps = z.int().min(2).max(100_000).default(1000);
/** Defaults are those of the Diffusers classes. */
const betas = {
  num_train_timesteps: trainSteps,
  beta_start: z.number().positive().max(1).default(0.0001),
  beta_end: z.number().positive().max(1).default(0.02),
  beta_schedule: z.enum(BETA_SCHEDULES).default('linear'),
  trained_betas: z.null().optional(),
  rescale_betas_zero_snr: off,
  prediction_type: z.enum(PREDICTION_TYPES).default('epsilon'),
};
const euler = z.object({
  _class_name: z.literal('EulerDiscreteScheduler'),
  ...betas,
  timestep_spacing: z.enum(TIMESTEP_SPACINGS).default('linspace'),
  steps_offset: z.int().min(0).default(0),
  interpolation_type: z.literal('linear').default('linear'),
  use_karras_sigmas: off,
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
  final_sigmas_type: z.literal('zero').default('zero'),
  timestep_type: z.literal('discrete').default('discrete'),
});
const lcm = z.object({
  _class_name: z.literal('LCMScheduler'),
  ...betas,
  beta_start: betas.beta_start.default(0.00085),
  beta_end: betas.beta_end.default(0.012),
  beta_schedule: betas.beta_schedule.default('scaled_linear'),
  original_inference_steps: z.int().min(1).default(50),
  timestep_scaling: z.number().positive().default(10),
  clip_sample: off,
  thresholding: off,
});
const flowMatch = z.object({
  _class_name: z.literal('FlowMatchEulerDiscreteScheduler'),
  num_train_timesteps: trainSteps,
  shift: z.number().positive().default(1),
  use_dynamic_shifting: off,
  shift_terminal: z.null().optional(),
  use_karras_sigmas: off,
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
  invert_sigmas: off,
  stochastic_sampling: off,
});
const schema = z.discriminatedUnion('_class_name', [euler, lcm, flowMatch]);

export interface ChosenSampler {
  name: SchedulerName;
  sampler: Sampler;
  /** Denoise steps if the settings name none. The config does not tell them, so they follow from the kind of model. */
  defaultSteps: number;
}

/** @param config parsed JSON @throws GlimpseError MODEL_INVALID */
export function samplerFrom(config: unknown): ChosenSampler {
  const name = z.object({ _class_name: z.string() }).safeParse(config).data?._class_name;
  if (!SUPPORTED.some((supported) => supported === name))
    throw packError(
      FILE,
      `"_class_name" ${SUPPORTED.join(', ')} (most models also run with the first: write its name there)`,
      name ?? 'none',
    );
  const parsed = schema.safeParse(config);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: 'not a config' };
    throw packError(FILE, `${path.join('.')}: ${message}`, 'a value that is not supported');
  }
  const { data } = parsed;
  switch (data._class_name) {
    case 'EulerDiscreteScheduler': {
      const sampler = new EulerSampler({
        betas: betasOf(data),
        spacing: data.timestep_spacing,
        stepsOffset: data.steps_offset,
        prediction: data.prediction_type,
      });
      // Models distilled to few steps (SD-Turbo) come with trailing timesteps.
      return { name: data._class_name, sampler, defaultSteps: data.timestep_spacing === 'trailing' ? 2 : 20 };
    }
    case 'LCMScheduler': {
      const sampler = new LcmSampler({
        betas: betasOf(data),
        originalSteps: Math.min(data.original_inference_steps, data.num_train_timesteps),
        timestepScaling: data.timestep_scaling,
        prediction: data.prediction_type,
      });
      return { name: data._class_name, sampler, defaultSteps: 4 };
    }
    case 'FlowMatchEulerDiscreteScheduler': {
      const sampler = new FlowMatchSampler({ trainSteps: data.num_train_timesteps, shift: data.shift });
      return { name: data._class_name, sampler, defaultSteps: 20 };
    }
    default:
      return assertNever(data);
  }
}

const betasOf = (data: z.infer<typeof euler> | z.infer<typeof lcm>): BetaRules => ({
  schedule: data.beta_schedule,
  start: data.beta_start,
  end: data.beta_end,
  trainSteps: data.num_train_timesteps,
});
