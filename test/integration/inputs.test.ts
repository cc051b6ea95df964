/** Uploads: what is taken, what is refused with which code, who may use one, and that nothing of its bytes is trusted. */
import { clockAt } from '../support/clock-at.ts';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { mediaTypeOf, readInputMedia } from '../../src/media/decode/input-media.ts';
import { Inputs } from '../../src/session/inputs.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';

/** A clock that stands until it is moved. */
const clockOf = (us: { now: number }) => clockAt(() => us.now);
const never = new AbortController().signal;
const PNG = encodePng(48, 32, (x) => [x * 5, 80, 200]);
let binary = '';

beforeAll(async () => {
  binary = (await ffmpegBinary())?.path ?? '';
});

/** Of ffmpeg's test picture, in the format that `options` say. */
function made(name: string, options: string[]): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'glimpse-'));
  try {
    const path = join(directory, name);
    execFileSync(binary, ['-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=8', ...options, path]);
    return new Uint8Array(readFileSync(path));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('an upload', () => {
  it.each([
    ['a.jpg', ['-frames:v', '1'], 'image'],
    ['a.webp', ['-frames:v', '1'], 'image'],
    ['a.png', ['-frames:v', '1'], 'image'],
    ['a.mp4', ['-t', '2', '-pix_fmt', 'yuv420p'], 'video'],
  ] as const)('%s is decoded and written anew', async (name, options, kind) => {
    const upload = made(name, [...options]);
    const media = await readInputMedia(upload, { signal: never });
    expect(media.kind).toBe(kind);
    expect(mediaTypeOf(media.data)).toBe(media.mediaType);
  });

  it('keeps nothing that hides behind the picture', async () => {
    const secret = Buffer.from('<script>alert(1)</script>');
    const { data } = await readInputMedia(Buffer.concat([PNG, secret]), { signal: never });
    expect(Buffer.from(data).includes(secret)).toBe(false);
  });

  it.each([
    ['words', Buffer.from('not a picture')],
    ['nothing', Buffer.alloc(0)],
    ['a playlist', Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
    ['the beginning of a picture', PNG.subarray(0, 40)],
    ['a picture whose bytes are broken', PNG.map((byte, index) => (index > 60 ? byte ^ 0x5a : byte))],
    ['an MP4 that is none', Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 'latin1')],
  ])('that is %s is refused', async (_, upload) => {
    await expect(readInputMedia(upload, { signal: never })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('of too many bytes or seconds is refused', async () => {
    const large = new Uint8Array(LIMITS.inputImageMaxBytes + 1);
    large.set(PNG);
    await expect(readInputMedia(large, { signal: never })).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
    const long = made('a.mp4', ['-t', String(LIMITS.inputVideoMaxSeconds + 3), '-pix_fmt', 'yuv420p']);
    await expect(readInputMedia(long, { signal: never })).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  });
});

describe('the store of uploads', () => {
  const media = { kind: 'image', mediaType: 'image/png', sha256: 'a', data: PNG } as const;

  it('gives an upload to whoever inputs it, until it expires', async () => {
    const time = { now: 0 };
    const clock = clockOf(time);
    const inputs = new Inputs({ clock, kind: 'image', read: () => Promise.resolve(media) });
    const { id } = await inputs.add('anna', PNG, never);
    expect(id).toMatch(/^[\w-]{22}$/);
    expect(inputs.get(id, 'anna')).toBe(media);
    expect(() => inputs.get(id, 'bert')).toThrowError(expect.objectContaining({ code: 'INPUT_NOT_FOUND' }));
    time.now += (LIMITS.inputTtlMs + 1) * 1000;
    expect(() => inputs.get(id, 'anna')).toThrowError(expect.objectContaining({ code: 'INPUT_NOT_FOUND' }));
    expect(inputs.size).toBe(0);
  });

  it('is bounded for each user', async () => {
    const inputs = new Inputs({ clock: clockOf({ now: 0 }), kind: 'image', read: () => Promise.resolve(media) });
    for (let index = 0; index < LIMITS.inputsPerUserMax; index++) await inputs.add('anna', PNG, never);
    await expect(inputs.add('anna', PNG, never)).rejects.toMatchObject({ code: 'INPUT_LIMIT' });
    await inputs.add('bert', PNG, never);
  });

  it('decodes two at a time, and refuses more than may wait', async () => {
    const gate = Promise.withResolvers<void>();
    let decoding = 0;
    const read = async (): Promise<typeof media> => {
      decoding += 1;
      await gate.promise;
      return media;
    };
    const inputs = new Inputs({ clock: clockOf({ now: 0 }), kind: 'image', read });
    const all = Array.from({ length: LIMITS.inputsDecodingMax + LIMITS.inputsPendingMax }, (_, user) =>
      inputs.add(`user ${user}`, PNG, never),
    );
    expect(decoding).toBe(LIMITS.inputsDecodingMax);
    await expect(inputs.add('one more', PNG, never)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    gate.resolve();
    expect(await Promise.all(all)).toHaveLength(10);
  });
});
