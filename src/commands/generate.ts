/** `glimpse generate`: writes a clip to a file through the service's own generator, with a progress bar. */
import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Config } from '../config/config.ts';
import { GlimpseError } from '../errors.ts';
import { clipFrames, type ClipPlan } from '../generation/slices/clip-frames.ts';
import { createGenerator } from '../generation/create-generator.ts';
import type { Generator, Rendition } from '../generation/generator.ts';
import { parsePrompts, promptAt } from '../generation/prompt/prompt-list.ts';
import { sliceCount } from '../generation/slices/schedule.ts';
import { TIERS, type Tier } from '../picture/tiers.ts';
import { LIMITS } from '../limits.ts';
import { ClipSound } from '../media/files/clip-sound.ts';
import { assertWritable, exportMp4, writePng } from '../media/files/export.ts';
import { ladder } from '../picture/rungs.ts';
import { readPrompts, sumUp } from '../generation/prompt/prompt-reading.ts';
import { Unfinished } from './unfinished.ts';

export interface GenerateOptions {
  prompt: string;
  out: string;
  seed: string;
  seconds: string;
  tier: string;
  transitionSlices: string;
  tiersDirectory: string | undefined;
  /** Start over instead of continuing an interrupted run of the same command. */
  fresh: boolean;
}

/** @throws GlimpseError PARAMETER_INVALID, PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, MODEL_INVALID, ABORTED */
export async function generate(config: Config, options: GenerateOptions, signal: AbortSignal): Promise<void> {
  parsePrompts(options.prompt);
  requireMp4(options.out);
  const seed = numberOption('--seed', options.seed, 0, 2 ** 32 - 1);
  const seconds = numberOption('--seconds', options.seconds, 0.1, 600);
  const most = LIMITS.transitionSlicesMax;
  const transitionSlices = Math.round(numberOption('--transition-slices', options.transitionSlices, 1, most));
  await assertWritable(options.out);
  const unfinished = new Unfinished(config, options.out);
  if (options.fresh) await unfinished.forget();
  try {
    await write(unfinished.settings(config), { ...options, seed, seconds, transitionSlices }, signal);
  } catch (error) {
    await unfinished.leave();
    if (signal.aborted && unfinished.keeps)
      process.stderr.write('The same command goes on where this one was stopped.\n');
    throw error;
  }
  await unfinished.forget();
}

interface WriteOptions extends Omit<GenerateOptions, 'seed' | 'seconds' | 'transitionSlices'> {
  seed: number;
  seconds: number;
  transitionSlices: number;
}

async function write(config: Config, options: WriteOptions, signal: AbortSignal): Promise<void> {
  const { seed, seconds, transitionSlices } = options;
  // A file does not have to be made in real time: the best pack, even if this machine is too slow to serve it live.
  await using generator = await createGenerator({ ...config, calibrate: 'never' });
  const tier = tierOption(options.tier, generator);
  const { slice } = generator.info;
  const size = generator.info.tiers.find((info) => info.tier === tier);
  if (!size) throw new GlimpseError('PARAMETER_INVALID', { message: `--tier: this generator makes no ${tier}` });
  // The file has the size shown to viewers, whatever the tier.
  const best = generator.info.tiers.at(-1) ?? size;
  const [display = best] = ladder(best);
  const slices = sliceCount(seconds, slice);
  const prompts = parsePrompts(options.prompt, slices);
  const { unknownWords } = sumUp(await readPrompts(generator, prompts));
  if (unknownWords.length > 0) process.stderr.write(`not known to the model: ${unknownWords.join(', ')}\n`);

  const track = { prompts, sliceCount: slices, transitionSlices, interpolation: 'linear' } as const;
  const bar = new SingleBar({
    format: '{bar} {percentage}% | slice {value}/{total} | {eta_formatted} left',
    clearOnComplete: true,
  });
  bar.start(slices, 0);
  let madeBefore = 0;
  try {
    const clip = { generator, track, seed, slices, tier, signal, tiersDirectory: options.tiersDirectory };
    if (clip.tiersDirectory !== undefined) await writeTiers(clip, clip.tiersDirectory);
    const { sound: made } = generator.info;
    const sound = made && new ClipSound({ ...slice, ...made });
    const onSlice = (done: number, cached: boolean): void => {
      bar.update(done);
      if (cached) madeBefore += 1;
    };
    const frames = clipFrames(clip, onSlice, (at, heard) => sound?.put(at, heard));
    await exportMp4({
      frames,
      sound,
      widthPx: size.widthPx,
      heightPx: size.heightPx,
      fps: slice.fps,
      path: options.out,
      signal,
      display,
    });
  } finally {
    bar.stop();
  }
  const before = madeBefore === 0 ? '' : `; ${madeBefore} of ${slices} slices were made before`;
  process.stdout.write(
    `${options.out}: ${((slices * slice.frames) / slice.fps).toFixed(1)} s, ${sizesOf(tier, size, display)}, seed ${seed}${before}\n`,
  );
}

/** The size of the file, and the size at which the tier was made where it differs. */
function sizesOf(tier: Tier, made: Size, shown: Size): string {
  const [from, to] = [made, shown].map(({ widthPx, heightPx }) => `${widthPx}x${heightPx}`);
  return from === to ? `${tier} ${to}` : `${tier} ${from} scaled to ${to}`;
}

interface Size {
  widthPx: number;
  heightPx: number;
}

/** Players rely on the file name's extension: no other format is written. */
function requireMp4(out: string): void {
  const extension = extname(out);
  if (['', '.mp4', '.m4v'].includes(extension.toLowerCase())) return;
  const name = `${basename(out, extension)}.mp4`;
  throw new GlimpseError('PARAMETER_INVALID', { message: `--out writes MP4, not ${extension}: name it ${name}` });
}

interface Clip extends ClipPlan {
  tiersDirectory: string | undefined;
}

/** The first slice at every tier, requested separately: a cache would skip tiers below its best. */
async function writeTiers({ generator, track, seed, tier: best, signal }: Clip, directory: string): Promise<void> {
  const tiers = generator.info.tiers.map(({ tier }) => tier);
  const job = { revision: 0, slice: 0, ...promptAt(track, 0), seed, startMs: 0 };
  for (const tier of tiers.slice(0, tiers.indexOf(best) + 1)) {
    const renditions = generator.generate({ ...job, startAtTier: tier, stopAtTier: tier }, { signal });
    for await (const rendition of renditions) await writeTier(rendition, directory);
  }
}

async function writeTier({ tier, frames }: Rendition, directory: string): Promise<void> {
  const middle = frames[Math.floor(frames.length / 2)];
  if (!middle) return;
  await mkdir(directory, { recursive: true });
  await writePng(middle, join(directory, `${tier}.png`));
}

function numberOption(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new GlimpseError('PARAMETER_INVALID', {
      message: `${name} must be a number from ${min} to ${max}, not "${text}"`,
    });
  return value;
}

function tierOption(text: string, generator: Generator): Tier {
  const made = generator.info.tiers.map((info) => info.tier);
  const tier = TIERS.find((known) => known === text);
  if (tier && made.includes(tier)) return tier;
  throw new GlimpseError('PARAMETER_INVALID', { message: `--tier must be one of ${made.join(', ')}, not "${text}"` });
}
