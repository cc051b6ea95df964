/** What a worker says of its generator, checked: sizes that no picture has, or tiers out of order, are refused. */
import { z } from 'zod';
import { i420Bytes } from '../../../picture/frame.ts';
import { TIERS, tierRank } from '../../../picture/tiers.ts';
import type { GeneratorInfo } from '../../generator.ts';
import { WIRE } from './limits.ts';

const sidePx = z.number().int().min(2).max(WIRE.sideMaxPx).multipleOf(2);
const size = { widthPx: sidePx, heightPx: sidePx };
const text = z.string().max(1_000);

const info = z
  .object({
    name: z.string().min(1).max(200),
    conditioning: text,
    slice: z.object({ frames: z.number().int().min(1).max(WIRE.framesMax), fps: z.number().positive().max(240) }),
    tiers: z
      .array(z.object({ tier: z.enum(TIERS), ...size, fast: z.object(size).optional() }))
      .min(1)
      .max(TIERS.length),
    examples: z.array(text).max(64),
    progressive: z.boolean(),
    startsFromLatents: z.boolean().optional(),
    input: z.object({ kind: z.enum(['image', 'video']), needed: z.boolean() }).optional(),
    options: z
      .array(z.enum(['negativePrompt', 'steps', 'cameraMove', 'adain']))
      .max(4)
      .optional(),
    cameraMoves: z.array(z.string().max(100)).max(64).optional(),
    sound: z.object({ channels: z.union([z.literal(1), z.literal(2)]) }).optional(),
  })
  .refine(({ tiers }) =>
    tiers.every(({ tier }, index) => index === 0 || tierRank(tier) > tierRank(tiers[index - 1]!.tier)),
  )
  .refine(({ tiers, slice }) =>
    tiers.every(({ widthPx, heightPx }) => i420Bytes(widthPx, heightPx) * slice.frames <= WIRE.renditionMaxBytes),
  );

export const descriptionSchema = z.object({
  type: z.literal('description'),
  pack: z.string().min(1).max(256),
  info,
  embeds: z.boolean(),
});
export type Description = z.infer<typeof descriptionSchema>;

/** The checked description is the contract's type: absent and undefined mean the same here. */
export const infoOf = ({ info: described }: Description): GeneratorInfo => {
  const { startsFromLatents, options, cameraMoves, ...rest } = described;
  return {
    ...rest,
    ...(startsFromLatents === undefined ? {} : { startsFromLatents }),
    ...(options === undefined ? {} : { options }),
    ...(cameraMoves === undefined ? {} : { cameraMoves }),
  };
};
