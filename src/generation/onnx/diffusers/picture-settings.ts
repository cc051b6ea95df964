/** Picture settings of a pipeline: size, steps, guidance, tiers. Pure. */
import { GlimpseError } from '../../../errors.ts';
import type { TierInfo } from '../../generator.ts';
import { PREVIEW_CHANNELS } from './latent-preview.ts';
import type { DiffusersModel } from './export/layout.ts';

/**
 * One picture per slice, shown for 0.8 s. The service fades it in over 0.7 s from the one before (seam-fade.ts), so
 * that pictures flow into each other.
 */
export const STILL_SLICE = { frames: 8, fps: 10 };

/** The usual denoiser halves latents three times and joins them again. */
const LATENT_MULTIPLE_PX = 8;
const SIDE_MIN_PX = 64;
const SIDE_MAX_PX = 2048;

/** Models run with so few steps are distilled and have guidance in their weights. */
const DISTILLED_STEPS = 4;

export interface PictureSettings {
  widthPx: number;
  heightPx: number;
  latentWidthPx: number;
  latentHeightPx: number;
  steps: number;
  guidance: { default: number; range: readonly [low: number, high: number] };
  tiers: TierInfo[];
}

export interface PictureOptions {
  /** `WIDTHxHEIGHT`, px; default: what the model was made for. */
  size?: string | undefined;
  /** Default: by the scheduler. */
  steps?: number | undefined;
}

/** @throws GlimpseError CONFIG_INVALID if the model cannot paint the size */
export function pictureSettings(
  { latent, denoiser, scheduler }: DiffusersModel,
  options: PictureOptions,
): PictureSettings {
  const side = latent.sidePx * latent.scale;
  const [widthPx = side, heightPx = side] = options.size?.split('x').map(Number) ?? [];
  if (options.size !== undefined) checkSize(widthPx, heightPx, latent.scale * LATENT_MULTIPLE_PX);
  const [latentWidthPx, latentHeightPx] = [widthPx / latent.scale, heightPx / latent.scale];
  const steps = options.steps ?? scheduler.defaultSteps;
  const whole = { widthPx, heightPx };
  // If latents cannot be previewed, the first step is decoded.
  const hasPreview = latent.channels === PREVIEW_CHANNELS && latentWidthPx % 2 === 0 && latentHeightPx % 2 === 0;
  const preview = hasPreview ? { widthPx: latentWidthPx, heightPx: latentHeightPx } : whole;
  return {
    ...whole,
    latentWidthPx,
    latentHeightPx,
    steps,
    guidance: guidanceOf(denoiser.guidanceWidth !== undefined, steps),
    tiers: [
      { tier: 'draft', ...preview },
      { tier: 'base', ...whole },
      { tier: 'refined', ...whole },
    ],
  };
}

function guidanceOf(embedded: boolean, steps: number): PictureSettings['guidance'] {
  if (embedded) return { default: 8, range: [1, 20] };
  return steps <= DISTILLED_STEPS ? { default: 1, range: [1, 2] } : { default: 7.5, range: [1, 20] };
}

function checkSize(widthPx: number, heightPx: number, multiple: number): void {
  const isSide = (side: number): boolean => side % multiple === 0 && side >= SIDE_MIN_PX && side <= SIDE_MAX_PX;
  if (isSide(widthPx) && isSide(heightPx)) return;
  const nearest = (side: number): number =>
    Math.min(SIDE_MAX_PX, Math.max(SIDE_MIN_PX, Math.round(side / multiple) * multiple));
  throw new GlimpseError('CONFIG_INVALID', {
    message: `--size: this model paints sides of a multiple of ${multiple} px up to ${SIDE_MAX_PX}; the nearest is ${nearest(widthPx)}x${nearest(heightPx)}`,
  });
}
