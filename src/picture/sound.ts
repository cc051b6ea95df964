/** Sound as PCM, the form in which generators make it and every stage up to the encoder passes it on. */
export interface Sound {
  channels: 1 | 2;
  /** Interleaved samples at `SOUND_RATE_HZ`, in [-1, 1]. */
  samples: Float32Array;
}

/** The rate of Opus's clock (RFC 7587 section 4.1). */
export const SOUND_RATE_HZ = 48_000;

/**
 * Where a slice's sound lies on its revision's time, in samples per channel: from `from` up to `to`. Boundaries are
 * rounded once, so that slices whose time is no whole number of samples still join without a gap.
 */
export function sliceSamples(
  slice: number,
  { frames, fps }: { frames: number; fps: number },
): {
  from: number;
  to: number;
} {
  const at = (index: number): number => Math.round((index * frames * SOUND_RATE_HZ) / fps);
  return { from: at(slice), to: at(slice + 1) };
}
