/** Makes one clip from prompt to files: pictures from the service's generator at lowest priority, MP4, HLS. */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GlimpseError } from '../errors.ts';
import { clipFrames } from '../generation/slices/clip-frames.ts';
import type { Generator } from '../generation/generator.ts';
import { parsePrompts } from '../generation/prompt/prompt-list.ts';
import { sliceCount } from '../generation/slices/schedule.ts';
import type { Scheduler } from '../generation/engine/scheduler.ts';
import { RANKS } from '../generation/engine/turn-order.ts';
import { ClipSound } from '../media/files/clip-sound.ts';
import { exportMp4 } from '../media/files/export.ts';
import { cutHls, SEGMENT_SECONDS } from '../media/files/hls.ts';
import { ladder } from '../picture/rungs.ts';

import type { ClipJob } from './clip-library.ts';

export interface ClipMaking {
  generator: Generator;
  scheduler: Pick<Scheduler, 'turn'>;
}

/** All clips count as one user when they share the generator's spare time. */
const USER = 'clips';

/** @throws GlimpseError PARAMETER_INVALID for a tier or an option the generator does not have; else as the generator and encoder */
export async function makeClip({ request, folder, signal, onProgress }: ClipJob, making: ClipMaking): Promise<void> {
  const { generator, scheduler } = making;
  const { slice, tiers } = generator.info;
  const size = request.tier === undefined ? tiers.at(-1) : tiers.find(({ tier }) => tier === request.tier);
  const best = tiers.at(-1);
  if (!size || !best) {
    const made = tiers.map(({ tier }) => tier).join(', ');
    throw new GlimpseError('PARAMETER_INVALID', { message: `This generator makes the tiers ${made}.` });
  }
  if (request.adain !== undefined && generator.info.options?.includes('adain') !== true)
    throw new GlimpseError('PARAMETER_INVALID', { message: 'This generator has no adain: leave it out.' });
  const slices = sliceCount(request.seconds, slice);
  const prompts = parsePrompts(request.prompt, slices);
  const claim = { rank: RANKS.background, deadlineUs: Number.MAX_SAFE_INTEGER, costMs: 0, user: USER, weight: 1 };
  const sound = generator.info.sound && new ClipSound({ ...slice, ...generator.info.sound });
  const frames = clipFrames(
    {
      generator,
      track: { prompts, sliceCount: slices, transitionSlices: 1, interpolation: 'linear' },
      seed: request.seed,
      guidance: request.guidance,
      adain: request.adain,
      slices,
      tier: size.tier,
      signal,
      turn: (unit) => scheduler.turn(unit, claim, signal),
    },
    (done) => onProgress(done / (slices + 1)),
    (at, heard) => sound?.put(at, heard),
  );
  const [display = best] = ladder(best);
  const { widthPx, heightPx } = size;
  const path = join(folder, 'clip.mp4');
  await exportMp4({
    frames,
    sound,
    widthPx,
    heightPx,
    fps: slice.fps,
    path,
    display,
    keyframeEverySeconds: SEGMENT_SECONDS,
    signal,
  });
  const segments = join(folder, 'hls');
  await cutHls(path, segments);
  for (const name of await readdir(segments)) await rename(join(segments, name), join(folder, name));
  await rm(segments, { recursive: true });
}
