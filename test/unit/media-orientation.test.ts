import { describe, expect, it } from 'vitest';
import { orientationOf, orientationOfMatrix } from '../../src/media/upload/orientation.ts';
import { jpegTurned, pngTurned, tiff, webpTurned } from '../support/exif.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';

const JPEG = Buffer.from('ffd8ffe000104a46494600010100000100010000ffda', 'hex');
const PNG = encodePng(8, 4, () => [1, 2, 3]);
const WEBP = Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8 \x04\0\0\0', 'latin1'), Buffer.alloc(4)]);

describe('which way up a picture is', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is read where the tag says %i', (value) => {
    expect(orientationOf(jpegTurned(JPEG, value, 'II'), 'image/jpeg')).toBe(value);
    expect(orientationOf(jpegTurned(JPEG, value, 'MM'), 'image/jpeg')).toBe(value);
    expect(orientationOf(pngTurned(PNG, value), 'image/png')).toBe(value);
    expect(orientationOf(webpTurned(WEBP, value, 8, 4), 'image/webp')).toBe(value);
  });

  it.each([
    ['no tag', JPEG],
    ['a value there is not', jpegTurned(JPEG, 9)],
    [
      'a directory beyond the end',
      Buffer.concat([jpegTurned(JPEG, 6).subarray(0, 20), Buffer.from('ffffffff', 'hex')]),
    ],
    ['nothing behind the marker', Buffer.from('ffd8ffe1', 'hex')],
    ['a length of zero', Buffer.from('ffd8ffe10000ffe10000', 'hex')],
  ])('is upright with %s', (_, jpeg) => {
    expect(orientationOf(jpeg, 'image/jpeg')).toBe(1);
  });

  it('costs no more than a few steps, whatever it claims', () => {
    // Segments of the least length, and as many entries as a directory can claim.
    const segments = Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.from('ffe10002'.repeat(16_000), 'hex')]);
    const directory = tiff(6);
    directory.writeUInt16BE(0xffff, 8);
    const entries = Buffer.concat([directory.subarray(0, 10), Buffer.alloc(60_000)]);
    const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff]);
    const long = Buffer.concat([head, Buffer.from('Exif\0\0', 'latin1'), entries]);
    const startedUs = process.cpuUsage();
    for (let count = 0; count < 100; count++)
      expect([orientationOf(segments, 'image/jpeg'), orientationOf(long, 'image/jpeg')]).toEqual([1, 1]);
    const { user, system } = process.cpuUsage(startedUs);
    expect((user + system) / 100).toBeLessThan(20_000);
  });

  it('is read from the matrix of a track', () => {
    const matrix = (a: number, b: number, c: number, d: number) => {
      const bytes = Buffer.alloc(36);
      for (const [value, at] of [
        [a, 0],
        [b, 4],
        [c, 12],
        [d, 16],
      ] as const)
        bytes.writeInt32LE(value * 65_536, at);
      return orientationOfMatrix(bytes);
    };
    expect([matrix(1, 0, 0, 1), matrix(0, 1, -1, 0), matrix(-1, 0, 0, -1), matrix(0, -1, 1, 0)]).toEqual([1, 6, 3, 8]);
    expect(orientationOfMatrix(Buffer.alloc(3))).toBe(1);
  });
});
