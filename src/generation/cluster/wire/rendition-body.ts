/** A rendition as a header and bytes: all frames, then the latents, then the sound. */
import type { Rendition } from '../../generator.ts';
import { bytesOf } from './floats.ts';
import type { RenditionHead } from './messages.ts';

export interface PackedRendition {
  head: RenditionHead;
  parts: Uint8Array[];
}

export function packRendition(rendition: Rendition, { job, pack }: { job: string; pack: string }): PackedRendition {
  const { frames, latents, audio, ...rest } = rendition;
  const { widthPx = 0, heightPx = 0 } = frames[0] ?? {};
  return {
    head: {
      ...rest,
      type: 'rendition',
      job,
      pack,
      frames: frames.length,
      widthPx,
      heightPx,
      latents: latents?.length ?? 0,
      ...(audio ? { audio: { channels: audio.channels, samples: audio.samples.length } } : {}),
    },
    parts: [
      ...frames.map(({ data }) => data),
      ...(latents ? [bytesOf(latents)] : []),
      ...(audio ? [bytesOf(audio.samples)] : []),
    ],
  };
}
