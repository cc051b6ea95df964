import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../../src/errors.ts';
import { LibavOpusEncoder } from '../../../src/media/audio/libav-opus.ts';
import { decodeSoundFile } from '../../../src/media/audio/libav-sound-file.ts';
import { isDtx, type OpusRateBps } from '../../../src/media/audio/opus.ts';
import { SharedOpus, type Listener } from '../../../src/media/audio/shared-opus.ts';
import { checkedSound } from '../../../src/media/audio/sound-check.ts';
import { FRAME_SAMPLES } from '../../../src/media/audio/sound-frames.ts';
import { SOUND_RATE_HZ } from '../../../src/picture/sound.ts';
import { OpusDecoder } from '../../support/opus-decoder.ts';

const tone = (frame: number, channels: 1 | 2, hz = 440): Float32Array =>
  Float32Array.from(
    { length: FRAME_SAMPLES * channels },
    (_, at) => 0.4 * Math.sin((2 * Math.PI * hz * (frame * FRAME_SAMPLES + Math.floor(at / channels))) / SOUND_RATE_HZ),
  );
const rms = (samples: Float32Array): number => Math.hypot(...samples) / Math.sqrt(samples.length);

describe('Opus', () => {
  it.each([1, 2] as const)('decodes to what was encoded, %d channels', async (channels) => {
    await using encoder = await LibavOpusEncoder.open({ channels, bitrateBps: 32_000 });
    using decoder = await OpusDecoder.open(channels);
    const heard: Float32Array[] = [];
    for (let frame = 0; frame < 25; frame++) heard.push(decoder.decode(await encoder.encode(tone(frame, channels))));
    expect(heard.slice(5).every(({ length }) => length === FRAME_SAMPLES * channels)).toBe(true);
    expect(rms(heard.at(-1)!)).toBeCloseTo(rms(tone(0, channels)), 1);
  });

  it('sends next to nothing in silence', async () => {
    await using encoder = await LibavOpusEncoder.open({ channels: 2, bitrateBps: 32_000 });
    const packets: Uint8Array[] = [];
    for (let frame = 0; frame < 100; frame++) packets.push(await encoder.encode(new Float32Array(2 * FRAME_SAMPLES)));
    expect(packets.slice(40).filter((data) => !isDtx(data)).length).toBeLessThan(6);
  });

  it('refuses another length, and any call after its end', async () => {
    const encoder = await LibavOpusEncoder.open({ channels: 1, bitrateBps: 16_000 });
    await expect(encoder.encode(new Float32Array(7))).rejects.toMatchObject({ code: 'ENCODER_FAILED' });
    await encoder.close();
    await expect(encoder.encode(tone(0, 1))).rejects.toMatchObject({ code: 'ENCODER_CLOSED' });
  });

  it('changes its rate without a click', async () => {
    const shared = new SharedOpus({
      open: (bitrateBps) => LibavOpusEncoder.open({ channels: 1, bitrateBps }),
      onError: (error) => expect.fail(error.message),
    });
    using decoder = await OpusDecoder.open(1);
    const packets: Uint8Array[] = [];
    let arrived = Promise.withResolvers<void>();
    const listener: Listener = {
      rateBps: 48_000,
      onPacket: ({ data }) => {
        packets.push(data);
        arrived.resolve();
      },
    };
    const end = shared.listen(listener);
    for (let frame = 0; frame < 60; frame++) {
      if (frame === 30) listener.rateBps = 20_000;
      arrived = Promise.withResolvers<void>();
      shared.push(tone(frame, 1), frame * 20_000);
      await arrived.promise;
    }
    expect(shared.size).toBe(1);
    end();
    await shared.close();
    expect(shared.size).toBe(0);
    const heard = packets.map((data) => decoder.decode(data)).flatMap((samples) => [...samples]);
    const steps = heard
      .slice(5 * FRAME_SAMPLES)
      .map((value, index, all) => Math.abs(value - (all[index - 1] ?? value)));
    // The tone's own steepest step is 0.023.
    expect(Math.max(...steps)).toBeLessThan(0.06);
    expect(rms(Float32Array.from(heard.slice(31 * FRAME_SAMPLES, 34 * FRAME_SAMPLES)))).toBeGreaterThan(0.2);
  });

  it('drops frames that an encoder has no time for, and gives up on a machine without one', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = new SharedOpus({
      open: async () => ({ encode: () => gate.promise.then(() => new Uint8Array(9)), close: async () => {} }),
      onError: () => {},
    });
    const packets: number[] = [];
    slow.listen({ rateBps: 20_000, onPacket: ({ startUs }) => packets.push(startUs) });
    for (let frame = 0; frame < 9; frame++) slow.push(new Float32Array(FRAME_SAMPLES), frame);
    expect(slow.dropped).toBe(4);
    gate.resolve();
    await slow.close();

    const errors: GlimpseError[] = [];
    let opened = 0;
    const none = new SharedOpus({
      open: async () => {
        opened += 1;
        throw new GlimpseError('ENCODER_FAILED');
      },
      onError: (error) => errors.push(error),
    });
    none.listen({ rateBps: 20_000, onPacket: () => expect.fail() });
    for (let frame = 0; frame < 9; frame++) {
      none.push(new Float32Array(FRAME_SAMPLES), frame);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([opened, errors.length]).toEqual([3, 3]);
    await none.close();
  });

  it('is encoded once for all who use the same rate', async () => {
    const opened: OpusRateBps[] = [];
    const shared = new SharedOpus({
      open: async (rateBps) => {
        opened.push(rateBps);
        return { encode: async () => new Uint8Array(9), close: async () => {} };
      },
      onError: () => {},
    });
    let packets = 0;
    const arrived = Promise.withResolvers<void>();
    const onPacket = (): void => {
      if (++packets === 51) arrived.resolve();
    };
    for (let viewer = 0; viewer < 50; viewer++) shared.listen({ rateBps: 32_000, onPacket });
    shared.listen({ rateBps: 20_000, onPacket });
    shared.push(new Float32Array(FRAME_SAMPLES), 0);
    await arrived.promise;
    expect(opened).toEqual([32_000, 20_000]);
    await shared.close();
  });
});

describe('sound of a generator', () => {
  const shape = { frames: 8, fps: 24 };
  it('is kept as it is when it fits', () => {
    const sound = { channels: 2 as const, samples: new Float32Array(32_000).fill(0.5) };
    expect(checkedSound(sound, 3, shape)).toBe(sound);
  });

  it.each([
    ['of another length', { channels: 1 as const, samples: new Float32Array(15_999) }],
    ['of three channels', { channels: 3 as unknown as 1, samples: new Float32Array(48_000) }],
    [
      'with a sample that is no number',
      { channels: 1 as const, samples: new Float32Array(16_000).fill(Number.NaN, 9, 10) },
    ],
    ['that is endless loud', { channels: 1 as const, samples: new Float32Array(16_000).fill(Infinity, 9, 10) }],
    [
      'that is no Float32Array',
      { channels: 1 as const, samples: Array.from({ length: 16_000 }, () => 0) as unknown as Float32Array },
    ],
  ])('is refused %s', (_, sound) => {
    expect(() => checkedSound(sound, 0, shape)).toThrow(expect.objectContaining({ code: 'SOUND_INVALID' }));
  });

  it('is limited to what can be played', () => {
    const { samples } = checkedSound({ channels: 1, samples: new Float32Array(16_000).fill(-7) }, 0, shape);
    expect(samples.every((value) => value === -1)).toBe(true);
  });
});

/** 16-bit PCM in WAV, with a tone. */
function wav(rateHz: number, channels: number, seconds: number): Uint8Array {
  const frames = Math.round(rateHz * seconds);
  const file = Buffer.alloc(44 + frames * channels * 2);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(rateHz, 24);
  file.writeUInt32LE(rateHz * channels * 2, 28);
  file.writeUInt16LE(channels * 2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(frames * channels * 2, 40);
  for (let at = 0; at < frames * channels; at++)
    file.writeInt16LE(
      Math.round(16_000 * Math.sin((2 * Math.PI * 440 * Math.floor(at / channels)) / rateHz)),
      44 + 2 * at,
    );
  return file;
}

describe('sound files', () => {
  it.each([
    [48_000, 2],
    [44_100, 1],
    [24_000, 2],
    [16_000, 1],
  ])('of %d Hz and %d channels become 48 kHz', async (rateHz, channels) => {
    const sound = await decodeSoundFile(wav(rateHz, channels, 0.5));
    expect(sound.channels).toBe(channels);
    expect(Math.abs(sound.samples.length / channels - 24_000)).toBeLessThan(64);
    expect(rms(sound.samples.slice(4_000, 8_000))).toBeCloseTo(16_000 / 32_768 / Math.SQRT2, 1);
  });

  it('that are none are refused', async () => {
    const cases = [
      new Uint8Array(0),
      Buffer.from('fLaC'),
      Buffer.from('<html></html>'),
      wav(48_000, 2, 0.1).subarray(0, 30),
    ];
    for (const bytes of cases) await expect(decodeSoundFile(bytes)).rejects.toMatchObject({ code: 'SOUND_INVALID' });
  });
});
