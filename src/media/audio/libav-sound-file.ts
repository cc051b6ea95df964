/**
 * Decodes a sound file that a generator's server sends (FLAC, WAV or Ogg) to PCM at 48 kHz through node-av. Size,
 * length and codec are checked, and only these containers are tried. Other rates are resampled.
 */
import { GlimpseError } from '../../errors.ts';
import { SOUND_RATE_HZ, type Sound } from '../../picture/sound.ts';
import { loadLibav } from '../libav-loader.ts';

/** Two minutes of stereo in 24 bits; a slice is seconds long. */
export const SOUND_FILE_MAX_BYTES = 32 * 1024 * 1024;
const SECONDS_MAX = 120;

/** First bytes of each container, and its name in FFmpeg. */
const CONTAINERS = [
  { magic: 'fLaC', format: 'flac' },
  { magic: 'RIFF', format: 'wav' },
  { magic: 'OggS', format: 'ogg' },
] as const;

/** @throws GlimpseError SOUND_INVALID for bytes that are none of these, too many, or cannot be decoded */
export async function decodeSoundFile(bytes: Uint8Array): Promise<Sound> {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  const container = CONTAINERS.find((known) => known.magic === magic);
  if (!container || bytes.length > SOUND_FILE_MAX_BYTES) throw invalid({ bytes: bytes.length });
  await loadLibav();
  const { Demuxer, Decoder, FilterAPI } = await import('node-av/api');
  try {
    await using demuxer = await Demuxer.open(Buffer.from(bytes), { format: container.format });
    const stream = demuxer.audio();
    if (!stream) throw invalid({ audio: false });
    const channels = stream.codecpar.channels === 1 ? 1 : 2;
    const layout = channels === 1 ? 'mono' : 'stereo';
    using decoder = await Decoder.create(stream, { context: { threadCount: 1 } });
    using filter = FilterAPI.create(
      `aresample=${SOUND_RATE_HZ},aformat=sample_fmts=flt:sample_rates=${SOUND_RATE_HZ}:channel_layouts=${layout}`,
    );
    const parts: Float32Array[] = [];
    let length = 0;
    for await (const frame of filter.frames(decoder.frames(demuxer.packets(stream.index)))) {
      if (!frame) continue;
      const data = frame.toBuffer();
      // Copied: the buffer may be an unaligned part of a larger one.
      const part = new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
      frame.free();
      length += part.length;
      if (length > SECONDS_MAX * SOUND_RATE_HZ * channels) throw invalid({ secondsMax: SECONDS_MAX });
      parts.push(part);
    }
    if (length === 0) throw invalid({ samples: 0 });
    return { channels, samples: joined(parts, length) };
  } catch (cause) {
    if (cause instanceof GlimpseError) throw cause;
    throw new GlimpseError('SOUND_INVALID', { cause });
  }
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const samples = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return samples;
}

const invalid = (details: Record<string, unknown>): GlimpseError => new GlimpseError('SOUND_INVALID', { details });
