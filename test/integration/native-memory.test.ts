/** What lies outside V8's heap is given back by name, and not when the collector happens to come by. */
import { CodecContext, Frame, Packet, SoftwareScaleContext } from 'node-av/lib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EncoderFactory, VideoEncoder } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { LibavEncoder } from '../../src/media/encode/libav-encoder.ts';
import { LibavImageDecoder } from '../../src/media/decode/libav-image-decoder.ts';
import { openReceiver } from '../../bench/support/wire/load-receiver.ts';
import { startPattern } from '../support/pattern-service.ts';

afterEach(() => void vi.restoreAllMocks());

/** Counts what is allocated and freed of each kind from now on. */
function watched(): () => Record<string, number> {
  const pairs = {
    contexts: [vi.spyOn(CodecContext.prototype, 'allocContext3'), vi.spyOn(CodecContext.prototype, 'freeContext')],
    frames: [vi.spyOn(Frame.prototype, 'alloc'), vi.spyOn(Frame.prototype, 'free')],
    packets: [vi.spyOn(Packet.prototype, 'alloc'), vi.spyOn(Packet.prototype, 'free')],
    scalers: [
      vi.spyOn(SoftwareScaleContext.prototype, 'getContext'),
      vi.spyOn(SoftwareScaleContext.prototype, 'freeContext'),
    ],
  } as const;
  return () =>
    Object.fromEntries(
      Object.entries(pairs).map(([kind, [taken, freed]]) => [kind, taken.mock.calls.length - freed.mock.calls.length]),
    );
}

const NOTHING = { contexts: 0, frames: 0, packets: 0, scalers: 0 };

describe('FFmpeg’s memory', () => {
  it.each(['VP8', 'H264'] as const)('of a %s encoder ends with it, at once', async (codec) => {
    const held = watched();
    const encoder = await LibavEncoder.open({ codec, widthPx: 64, heightPx: 64, fps: 12, bitrateBps: 100_000 });
    // Two other sizes, so that the scaler is exchanged.
    for (const sidePx of [32, 128]) {
      const frame = { widthPx: sidePx, heightPx: sidePx, data: new Uint8Array(sidePx ** 2 * 1.5) };
      await encoder.encode(frame, { keyframe: true, bitrateBps: 100_000, durationMs: 80 });
    }
    expect(held()).toEqual({ contexts: 1, frames: 1, packets: 1, scalers: 1 });
    await encoder.close();
    expect(held()).toEqual(NOTHING);
  });

  it('of an encoder or decoder that does not open is not left behind', async () => {
    const held = watched();
    vi.spyOn(CodecContext.prototype, 'open2').mockResolvedValue(-1);
    const settings = { codec: 'VP8', widthPx: 64, heightPx: 64, fps: 12, bitrateBps: 100_000 } as const;
    await expect(LibavEncoder.open(settings)).rejects.toThrow();
    vi.spyOn(CodecContext.prototype, 'open2Sync').mockReturnValue(-1);
    const decoder = await LibavImageDecoder.open();
    expect(() => decoder.decode(new Uint8Array([0xff, 0xd8, 0xff]), 'jpeg', 64, 64)).toThrow();
    decoder.close();
    expect(held()).toEqual(NOTHING);
  });
});

describe('a session’s encoder', () => {
  it('is closed with the session, however it ends', async () => {
    const open = new Set<VideoEncoder>();
    const create = encoderFactory('auto');
    const createEncoder: EncoderFactory = async (settings) => {
      const encoder = await create(settings);
      const close = encoder.close.bind(encoder);
      open.add(encoder);
      return Object.assign(encoder, { close: () => close().finally(() => open.delete(encoder)) });
    };
    await using service = await startPattern({ resumeGrace: 0 }, { createEncoder });
    const left = await openReceiver(service.url, { prompt: 'bars' });
    const gone = await openReceiver(service.url, { prompt: 'bars' });
    await expect.poll(() => open.size).toBe(2);
    await left.close();
    await expect.poll(() => open.size).toBe(1);
    await service.sessions.close('the test ends them');
    expect(open.size).toBe(0);
    await gone.close();
  });
});
