/** A camera's pictures through the process that decodes them: good ones, bad ones, and a process that does not answer. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { LiveDecoder, type EncodedPicture, type LiveDecoderOptions } from '../../src/media/decode/live-decoder.ts';
import { VIDEO_CODECS, type VideoCodec } from '../../src/media/encode/encoder.ts';
import { LibavEncoder } from '../../src/media/encode/libav-encoder.ts';
import { paintBarCode, readBarCode } from '../../src/generation/pattern/bar-code.ts';
import { i420Bytes, type I420Frame } from '../../src/picture/frame.ts';

const SIZE = { widthPx: 320, heightPx: 192 };
const open: LiveDecoder[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  await Promise.all(open.splice(0).map((decoder) => decoder.close()));
});

function decoderOf(options: Partial<LiveDecoderOptions> = {}) {
  const decoder = new LiveDecoder({ codec: 'VP8', clock: systemClock, ...options });
  open.push(decoder);
  const errors: GlimpseError[] = [];
  const seen = { keyframesNeeded: 0 };
  decoder.events.on('failed', (error) => errors.push(error));
  decoder.events.on('keyframeNeeded', () => void (seen.keyframesNeeded += 1));
  return { decoder, errors, seen };
}

function numbered(widthPx: number, heightPx: number, number: number): I420Frame {
  const frame = { widthPx, heightPx, data: new Uint8Array(i420Bytes(widthPx, heightPx)).fill(128) };
  paintBarCode(frame, number);
  return frame;
}

/** Pictures that carry their numbers, the first as a keyframe. */
async function encoded(
  codec: VideoCodec,
  widthPx: number,
  heightPx: number,
  numbers: readonly number[],
): Promise<EncodedPicture[]> {
  await using encoder = await LibavEncoder.open({ codec, widthPx, heightPx, fps: 30, bitrateBps: 1_000_000 });
  const pictures: EncodedPicture[] = [];
  for (const [index, number] of numbers.entries())
    pictures.push(
      await encoder.encode(numbered(widthPx, heightPx, number), {
        keyframe: index === 0,
        bitrateBps: 1_000_000,
        durationMs: 33,
      }),
    );
  return pictures;
}

const numberOf = (frame: I420Frame | undefined) => frame && readBarCode(frame.data, frame.widthPx, frame.heightPx);

describe('LiveDecoder', () => {
  it.each(VIDEO_CODECS)('gives the newest picture of %s at the size asked for', async (codec) => {
    const { decoder } = decoderOf({ codec });
    for (const picture of await encoded(codec, 320, 192, [1, 2, 3])) decoder.push(picture);
    await decoder.next(SIZE, 2, never);
    const newest = await decoder.newest(SIZE);
    expect(newest?.number).toBe(3);
    expect(numberOf(newest?.frame)).toBe(3);
    expect(numberOf((await decoder.newest({ widthPx: 160, heightPx: 96 }))?.frame)).toBe(3);
  });

  it('covers another shape and crops it, and follows a size that changes in mid-stream', async () => {
    const { decoder } = decoderOf();
    for (const picture of await encoded('VP8', 640, 360, [5])) decoder.push(picture);
    expect((await decoder.next(SIZE, 0, never))?.frame).toMatchObject(SIZE);
    for (const picture of await encoded('VP8', 360, 640, [6])) decoder.push(picture);
    expect((await decoder.next(SIZE, 1, never))?.number).toBe(2);
    for (const picture of await encoded('VP8', 320, 192, [7])) decoder.push(picture);
    expect(numberOf((await decoder.next(SIZE, 2, never))?.frame)).toBe(7);
  });

  it('keeps the last picture of a camera that has frozen', async () => {
    const { decoder } = decoderOf();
    for (const picture of await encoded('VP8', 320, 192, [9])) decoder.push(picture);
    await decoder.next(SIZE, 0, never);
    for (let again = 0; again < 3; again++) expect(numberOf((await decoder.newest(SIZE))?.frame)).toBe(9);
  });

  it('asks for a keyframe when a picture cannot be decoded, and goes on with it', async () => {
    const { decoder, seen } = decoderOf();
    const [key] = await encoded('VP8', 320, 192, [4]);
    decoder.push(key!);
    decoder.push({ data: Uint8Array.of(0x31), keyframe: false });
    await expect.poll(() => seen.keyframesNeeded).toBe(1);
    decoder.push({ data: key!.data, keyframe: true });
    expect(numberOf((await decoder.next(SIZE, 2, never))?.frame)).toBe(4);
  });

  it('gives up with a code when no keyframe can be decoded', async () => {
    const { decoder, errors } = decoderOf({ codec: 'H264' });
    const garbage = Uint8Array.from({ length: 400 }, (_, index) => (index * 37) & 0xff);
    while (errors.length === 0) {
      decoder.push({ data: garbage, keyframe: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(errors.map(({ code }) => code)).toEqual(['LIVE_INPUT_INVALID']);
    expect(await decoder.newest(SIZE)).toBeUndefined();
    expect(await decoder.next(SIZE, 0, never)).toBeUndefined();
  });

  it('ends with a code when its process dies', async () => {
    const { decoder, errors } = decoderOf({ command: ['/bin/sh', '-c', 'exit 3'] });
    await expect.poll(() => errors.map(({ code }) => code)).toEqual(['LIVE_INPUT_UNSUPPORTED']);
    decoder.push({ data: Uint8Array.of(1), keyframe: true });
  });

  it('ends a process that does not answer any more', async () => {
    let nowUs = 0;
    // It says that it is ready, and nothing after that.
    const command = [
      '/bin/sh',
      '-c',
      "printf '\\000\\000\\000\\000\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000'; exec cat > /dev/null",
    ];
    const { decoder, errors } = decoderOf({ command, clock: { ...systemClock, nowUs: () => nowUs } });
    decoder.push({ data: Uint8Array.of(1), keyframe: true });
    await expect
      .poll(() => {
        decoder.push({ data: Uint8Array.of(1), keyframe: true });
        nowUs += (LIMITS.cameraDecodeTimeoutMs * 1_000) / 4;
        return errors.map(({ code }) => code);
      })
      .toEqual(['LIVE_INPUT_INVALID']);
  });

  it('ends a wait that is not wanted any more', async () => {
    const { decoder } = decoderOf();
    const controller = new AbortController();
    const waiting = decoder.next(SIZE, 0, controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
  });
});
