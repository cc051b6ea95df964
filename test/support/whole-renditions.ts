import { isLastRun, type Rendition } from '../../src/generation/generator.ts';

/** Each tier as one rendition, however many runs of frames it came in; checks that they came in order. */
export async function wholeRenditions(
  renditions: AsyncIterable<Rendition>,
  framesPerSlice: number,
): Promise<Rendition[]> {
  const whole: Rendition[] = [];
  let gathered: Rendition['frames'] = [];
  for await (const rendition of renditions) {
    if ((rendition.firstFrame ?? 0) !== gathered.length) throw new Error('runs of frames came out of order');
    gathered = [...gathered, ...rendition.frames];
    if (!isLastRun(rendition, framesPerSlice)) continue;
    const { firstFrame: _, ...rest } = rendition;
    whole.push({ ...rest, frames: gathered });
    gathered = [];
  }
  return whole;
}
