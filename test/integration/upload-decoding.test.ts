/** Uploads that attack their decoder, and photos of phones: what is refused before it costs, and what comes out upright. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import { LIMITS } from '../../src/limits.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { readInputMedia } from '../../src/media/decode/input-media.ts';
import { runLimited } from '../../src/media/upload/limited-process.ts';
import { Inputs } from '../../src/session/inputs.ts';
import { jpegTurned, pngTurned, webpTurned } from '../support/exif.ts';
import { codeOf } from '../support/pattern-service.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import { clockAt } from '../support/clock-at.ts';

const { signal } = new AbortController();
let binary = '';
let folder = '';
beforeAll(async () => {
  binary = (await ffmpegBinary())?.path ?? '';
  folder = mkdtempSync(join(tmpdir(), 'glimpse-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What ffmpeg makes of a source of its own. */
function made(name: string, source: string, options: readonly string[] = []): Buffer {
  const path = join(folder, name);
  execFileSync(binary, ['-y', '-loglevel', 'error', '-f', 'lavfi', '-i', source, ...options, path]);
  return readFileSync(path);
}
const video = (name: string, source: string, options: readonly string[] = []): Buffer =>
  made(name, source, ['-pix_fmt', 'yuv420p', '-preset', 'ultrafast', ...options]);

/** The size that the sample description claims (ISO/IEC 14496-12, 12.1.3), not that of the pictures. */
function claiming(mp4: Buffer, widthPx: number, heightPx: number): Buffer {
  const lying = Buffer.from(mp4);
  const at = lying.indexOf('avc1', lying.indexOf('stsd', 0, 'latin1'), 'latin1');
  lying.writeUInt16BE(widthPx, at + 28);
  lying.writeUInt16BE(heightPx, at + 30);
  return lying;
}

/** Its track says that it is to be turned by 90 degrees to the right (ISO/IEC 14496-12, 8.3.2). */
function turnedTrack(mp4: Buffer): Buffer {
  const turned = Buffer.from(mp4);
  const matrix = turned.indexOf('tkhd', 0, 'latin1') + 44;
  for (const [index, value] of [0, 65_536, 0, -65_536, 0, 0].entries()) turned.writeInt32BE(value, matrix + index * 4);
  return turned;
}

/** Size of a decoded picture, and its pixels as RGB. */
function pixelsOf(png: Uint8Array): { widthPx: number; heightPx: number; rgb: Buffer } {
  const bytes = Buffer.from(png);
  const rgb = execFileSync(binary, ['-loglevel', 'error', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
    input: bytes,
  });
  return { widthPx: bytes.readUInt32BE(16), heightPx: bytes.readUInt32BE(20), rgb };
}

describe('a video', () => {
  it.each(['libav', 'ffmpeg'] as const)('of larger pictures than allowed is refused (%s)', async (program) => {
    const large = video('large.mp4', 'color=size=4200x2400:rate=1', ['-frames:v', '1']);
    const code = program === 'libav' ? 'INPUT_TOO_LARGE' : 'INPUT_INVALID';
    await expect(readInputMedia(large, { signal, programs: [program] })).rejects.toMatchObject({ code });
    // One that says it is small is found out by its first picture.
    const lying = claiming(large, 64, 48);
    await expect(readInputMedia(lying, { signal, programs: [program] })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  });

  it('of more pictures times pixels than allowed is refused before any is decoded', async () => {
    const small = video('small.mp4', 'testsrc=size=64x48:rate=8', ['-t', '18']);
    const many = claiming(small, 4_096, 2_304);
    await expect(readInputMedia(many, { signal })).rejects.toMatchObject({
      code: 'INPUT_TOO_LARGE',
      message: expect.stringContaining('megapixels in all'),
    });
  });

  it.each(['libav', 'ffmpeg'] as const)('of a codec that is not on the list is refused (%s)', async (program) => {
    const other = made('other.mp4', 'testsrc=size=64x48:rate=8', ['-t', '1', '-c:v', 'mpeg4']);
    await expect(readInputMedia(other, { signal, programs: [program] })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  });

  it('is not decoded where pictures alone are taken', async () => {
    const small = video('small.mp4', 'testsrc=size=64x48:rate=8', ['-t', '1']);
    await expect(readInputMedia(small, { signal, kind: 'image' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('image only'),
    });
  });
});

describe('the process that decodes', () => {
  const limits = { memoryBytes: 2 ** 30, signal };

  it('sees nothing of the environment', async () => {
    process.env['GLIMPSE_AUTH_SECRET'] = 'only the service knows';
    try {
      const { output, ok } = await runLimited(['/usr/bin/env'], { ...limits, folder });
      expect(ok).toBe(true);
      expect(output).not.toMatch(/GLIMPSE|only the service|HOME|PATH=/);
    } finally {
      delete process.env['GLIMPSE_AUTH_SECRET'];
    }
  });

  it.runIf(process.platform === 'linux')('gets no more memory than allowed', async () => {
    const told = await runLimited(['/bin/sh', '-c', 'ulimit -v'], { ...limits, folder });
    expect(told.output.trim()).toBe(String(limits.memoryBytes / 1_024));
    const { ok } = await runLimited([process.execPath, '-e', 'Buffer.alloc(3e9).fill(1)'], {
      ...limits,
      memoryBytes: 3 * 2 ** 30,
      folder,
    });
    expect(ok).toBe(false);
  });

  it('ends with whoever waits for it', async () => {
    const abort = new AbortController();
    const running = runLimited(['sleep', '60'], { ...limits, folder, signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ ok: false, killed: true });
    expect(await runLimited(['/nowhere/at-all'], { ...limits, folder })).toMatchObject({ ok: false, killed: false });
  });
});

describe('a photo of a phone', () => {
  /** Red, green, blue and white in the corners; 12 x 8, upright. */
  const corner = (x: number, y: number): [number, number, number] => {
    if (y < 4) return x < 6 ? [255, 0, 0] : [0, 255, 0];
    return x < 6 ? [0, 0, 255] : [255, 255, 255];
  };
  const plain = encodePng(12, 8, corner);
  /** Corners of what comes out: top left, top right, bottom left, bottom right. */
  const corners: Readonly<Record<number, string>> = {
    1: 'RGBW',
    2: 'GRWB',
    3: 'WBGR',
    4: 'BWRG',
    5: 'RBGW',
    6: 'BRWG',
    7: 'WGBR',
    8: 'GWRB',
  };

  function seen(png: Uint8Array): string {
    const { widthPx, heightPx, rgb } = pixelsOf(png);
    const at = (x: number, y: number): string => {
      const [red = 0, green = 0, blue = 0] = rgb.subarray((y * widthPx + x) * 3);
      if (red > 128 && green > 128) return 'W';
      if (red > 128) return 'R';
      return green > 128 ? 'G' : blue > 128 ? 'B' : '?';
    };
    return at(1, 1) + at(widthPx - 2, 1) + at(1, heightPx - 2) + at(widthPx - 2, heightPx - 2);
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('with the tag %i comes out upright, and without it', async (orientation) => {
    const { data } = await readInputMedia(pngTurned(plain, orientation), { signal });
    expect(seen(data)).toBe(corners[orientation]);
    expect(Buffer.from(data).includes('eXIf')).toBe(false);
  });

  it.each(['libav', 'ffmpeg'] as const)('as JPEG or WebP too, whoever decodes (%s)', async (program) => {
    const [jpeg, webp] = ['jpg', 'webp'].map((kind) => made(`a.${kind}`, 'testsrc=size=64x48', ['-frames:v', '1'])) as [
      Buffer,
      Buffer,
    ];
    for (const upload of [jpegTurned(jpeg, 6), webpTurned(webp, 6, 64, 48)]) {
      const { data } = await readInputMedia(upload, { signal, programs: [program] });
      expect(pixelsOf(data)).toMatchObject({ widthPx: 48, heightPx: 64 });
      expect(Buffer.from(data).includes('eXIf')).toBe(false);
    }
  });

  it.each(['libav', 'ffmpeg'] as const)('and a video held upright stays so (%s)', async (program) => {
    const upright = turnedTrack(video('upright.mp4', 'testsrc=size=64x48:rate=8', ['-t', '1']));
    const { data } = await readInputMedia(upright, { signal, programs: [program] });
    const at = Buffer.from(data).indexOf('avc1', Buffer.from(data).indexOf('stsd'), 'latin1');
    expect([Buffer.from(data).readUInt16BE(at + 28), Buffer.from(data).readUInt16BE(at + 30)]).toEqual([48, 64]);
  });
});

describe('uploads of one user', () => {
  const clock = clockAt(() => 0);
  const png = encodePng(8, 8, () => [1, 2, 3]);
  const read = () => Promise.resolve({ kind: 'image', mediaType: 'image/png', sha256: 'a', data: png } as const);
  const post = (url: string, type: string, body: Uint8Array) =>
    fetch(`${url}/v1/inputs`, { method: 'POST', headers: { 'Content-Type': type }, body: new Uint8Array(body) });

  it('count as creations', async () => {
    const inputs = new Inputs({ clock, kind: 'image', read });
    await using fixture = await startFixture({ inputs, access: new Access({ creationsPerMinute: 2 }) });
    const replies = [];
    for (let count = 0; count < 3; count++) replies.push(await post(fixture.url, 'image/png', png));
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(await codeOf(replies[2]!)).toBe('RATE_LIMITED');
  });

  it('are of the kind that the generator takes, whatever they are called', async () => {
    const inputs = new Inputs({
      clock,
      kind: 'image',
      read: (upload) => readInputMedia(upload, { signal, kind: 'image' }),
    });
    await using fixture = await startFixture({ inputs });
    const small = video('small.mp4', 'testsrc=size=64x48:rate=8', ['-t', '1']);
    const called = await Promise.all([post(fixture.url, 'video/mp4', small), post(fixture.url, 'image/png', small)]);
    expect(called.map(({ status }) => status)).toEqual([415, 422]);
  });

  it('are received a few at a time: each is in memory from its first byte', () => {
    const inputs = new Inputs({ clock, kind: 'image', read });
    const reading = Array.from({ length: LIMITS.inputsReadingPerUserMax }, () => inputs.beginReading('anna'));
    expect(() => inputs.beginReading('anna')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    for (let user = reading.length; user < LIMITS.inputsReadingMax; user++)
      reading.push(inputs.beginReading(`user ${user}`));
    expect(() => inputs.beginReading('ben')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    for (const one of reading) one[Symbol.dispose]();
    inputs.beginReading('anna')[Symbol.dispose]();
  });
});
