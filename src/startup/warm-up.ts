/**
 * Waits until the encoder and the generator have each worked once, before any viewer is served. A generator on a
 * server of its own may start later than this service, so the wait has no limit.
 */
import { sleep, systemClock, type Clock } from '../clock.ts';
import { GlimpseError, toGlimpseError } from '../errors.ts';
import type { Generator } from '../generation/generator.ts';
import type { EncoderFactory } from '../media/encode/encoder.ts';

/** Pauses between attempts, ms: short at first, because containers start within seconds of each other. */
const PAUSE_MS = { first: 500, most: 10_000 } as const;

export interface WarmUpOptions {
  generator: Generator;
  createEncoder: EncoderFactory;
  /** What has not worked yet; shrinks as each succeeds. */
  missing: Set<'encoder' | 'model'>;
  /** Whether to wait for an unreachable generator. */
  waits: boolean;
  /** Called for each failed attempt that is retried. */
  onWaiting: (error: GlimpseError) => void;
  signal: AbortSignal;
  /** Default: the system's. */
  clock?: Clock;
}

/** @throws GlimpseError ABORTED, or an error that waiting cannot change */
export async function warmUp({ generator, createEncoder, missing, ...options }: WarmUpOptions): Promise<void> {
  const encoder = await createEncoder({ codec: 'VP8', widthPx: 64, heightPx: 64, fps: 10, bitrateBps: 100_000 });
  const black = { widthPx: 64, heightPx: 64, data: new Uint8Array(64 * 64 * 1.5).fill(128) };
  await encoder.encode(black, { keyframe: true, bitrateBps: 100_000, durationMs: 100 });
  await encoder.close();
  missing.delete('encoder');
  await warmUpGenerator(generator, options);
  missing.delete('model');
}

async function warmUpGenerator(
  generator: Generator,
  { waits, onWaiting, signal, clock = systemClock }: Omit<WarmUpOptions, 'generator' | 'createEncoder' | 'missing'>,
): Promise<void> {
  for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
    try {
      return await generator.warmUp();
    } catch (thrown) {
      const error = toGlimpseError(thrown);
      if (signal.aborted) throw new GlimpseError('ABORTED');
      if (!waits || !['GENERATOR_DOWN', 'CLUSTER_DOWN'].includes(error.code)) throw error;
      onWaiting(error);
      await sleep(clock, pauseMs, signal);
      if (signal.aborted) throw new GlimpseError('ABORTED');
    }
  }
}
