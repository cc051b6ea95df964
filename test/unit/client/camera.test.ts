import { afterEach, describe, expect, it, vi } from 'vitest';
import { Camera } from '../../../src/client/camera.ts';

/** How often each track was stopped. */
const stops = new Map<MediaStreamTrack, number>();

function trackOf(id: string): MediaStreamTrack {
  const stop = () => stops.set(track, stopsOf(track) + 1);
  const track = { id, kind: 'video', enabled: true, stop } as unknown as MediaStreamTrack;
  return track;
}
const stopsOf = (track: MediaStreamTrack): number => stops.get(track) ?? 0;
const streamOf = (track: MediaStreamTrack) => ({ getVideoTracks: () => [track] }) as unknown as MediaStream;

function withDevices(getUserMedia: (constraints: MediaStreamConstraints) => Promise<MediaStream>): void {
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
}

afterEach(() => vi.unstubAllGlobals());

describe('Camera', () => {
  it('asks for a small picture, and stops what it has opened', async () => {
    const track = trackOf('own');
    const asked: MediaStreamConstraints[] = [];
    withDevices(async (constraints) => {
      asked.push(constraints);
      return streamOf(track);
    });
    const camera = new Camera();
    expect(await camera.open(true)).toBe(track);
    expect(asked).toEqual([{ video: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30 } } }]);
    camera.enabled = false;
    expect(track.enabled).toBe(false);
    camera.close();
    expect(stopsOf(track)).toBe(1);
    expect(camera.track).toBeUndefined();
  });

  it('takes a stream or a track of the page, and never stops it', async () => {
    const [first, second] = [trackOf('a'), trackOf('b')];
    const camera = new Camera();
    expect(await camera.open(streamOf(first))).toBe(first);
    expect(await camera.open(second)).toBe(second);
    expect(await camera.open(false)).toBeUndefined();
    expect(stopsOf(first)).toBe(0);
    expect(stopsOf(second)).toBe(0);
  });

  it('chooses a device by constraints, and lets the old one go only when the new one is there', async () => {
    const [first, second] = [trackOf('first'), trackOf('second')];
    const found = [streamOf(first), streamOf(second)];
    withDevices(async () => found.shift()!);
    const camera = new Camera();
    await camera.open(true);
    await camera.open({ deviceId: { exact: 'other' } });
    expect(stopsOf(first)).toBe(1);
    withDevices(() => Promise.reject(new DOMException('', 'NotFoundError')));
    await expect(camera.open({ deviceId: { exact: 'none' } })).rejects.toMatchObject({ code: 'CAMERA_NOT_FOUND' });
    expect(camera.track).toBe(second);
    expect(stopsOf(second)).toBe(0);
  });

  it.each([
    ['NotAllowedError', 'CAMERA_DENIED'],
    ['SecurityError', 'CAMERA_DENIED'],
    ['NotFoundError', 'CAMERA_NOT_FOUND'],
    ['OverconstrainedError', 'CAMERA_NOT_FOUND'],
    ['NotReadableError', 'CAMERA_IN_USE'],
    ['TypeError', 'CAMERA_UNAVAILABLE'],
  ])('answers %s with %s', async (name, code) => {
    withDevices(() => Promise.reject(new DOMException('', name)));
    await expect(new Camera().open(true)).rejects.toMatchObject({ code, retryable: true });
  });

  it('has a code for a page without devices', async () => {
    vi.stubGlobal('navigator', {});
    await expect(new Camera().open(true)).rejects.toMatchObject({ code: 'CAMERA_UNAVAILABLE' });
  });
});
