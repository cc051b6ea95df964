/** Clips over HTTP, made by the embedded model in the background, as a CDN and a player fetch them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRange } from '../../signaling/http/clips.ts';
import type { ClipBody } from '../../signaling/http/api-bodies.ts';
import { shelved } from '../../src/clips/clip-shelf.ts';
import { Clips } from '../../src/clips/clip-library.ts';
import { loadConfig } from '../../src/config/config.ts';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { silentLog } from '../../src/log.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { startService, type Service } from '../../src/service.ts';
import { eventually } from '../support/eventually.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
  const flags = { port: 0, clipsDir: folder, logLevel: 'silent' };
  service = await startService(loadConfig({ flags, environment: {} }), { log: silentLog });
  await service.ready;
});
afterAll(async () => {
  await service.close('test over');
  // Whole clips stay for the next run, and nothing else.
  for (const id of await readdir(folder)) expect(await readdir(join(folder, id))).toContain('clip.json');
  await rm(folder, { recursive: true });
});

const ask = (body: unknown) =>
  fetch(`${service.url}/v1/clips`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${service.url}${path}`, { headers });
const code = async (response: Response) =>
  [response.status, ((await response.json()) as { error: { code: string } }).error.code] as const;

/** Addresses in answers are relative to the one that was asked. */
const pathOf = (address: string, asked: string): string => new URL(address, asked).pathname;

async function made(body: object): Promise<ClipBody> {
  const asked = await ask(body);
  expect(asked.status).toBe(202);
  const location = pathOf(asked.headers.get('location') ?? '', asked.url);
  for (;;) {
    const status = await get(location);
    const clip = (await status.json()) as ClipBody;
    if (clip.state === 'ready')
      return { ...clip, mp4: pathOf(clip.mp4, status.url), hls: pathOf(clip.hls, status.url) };
    if (clip.state === 'failed') throw new Error(JSON.stringify(clip.error));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a clip for the web', () => {
  let clip: ClipBody;
  beforeAll(async () => {
    clip = await made({ prompt: 'a red ball over a green meadow', seed: 5, seconds: 5, tier: 'base' });
  });

  it('is one MP4 with a name that caches may keep for ever', async () => {
    const whole = await get(clip.mp4);
    expect(whole.status).toBe(200);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'cross-origin-resource-policy': 'cross-origin',
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-length': String((await whole.arrayBuffer()).byteLength),
    });
    const etag = whole.headers.get('etag') ?? '';
    expect((await get(clip.mp4, { 'If-None-Match': `"other", W/${etag}` })).status).toBe(304);
  });

  it('comes in ranges', async () => {
    const bytes = Buffer.from(await (await get(clip.mp4)).arrayBuffer());
    const etag = (await get(clip.mp4)).headers.get('etag') ?? '';
    const part = await get(clip.mp4, { Range: 'bytes=100-199', 'If-Range': etag });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-199/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(100, 200));
    expect((await get(clip.mp4, { Range: 'bytes=0-9', 'If-Range': '"another"' })).status).toBe(200);
    const beyond = await get(clip.mp4, { Range: `bytes=${bytes.length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
    const head = await fetch(`${service.url}${clip.mp4}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
  });

  it('plays as HLS: every segment that the playlist names is there, and together they are the clip', async () => {
    const playlist = await (await get(clip.hls)).text();
    const names = [...playlist.matchAll(/(?:URI="|^)((?:init|segment)[\w.-]+)/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThanOrEqual(4);
    const parts = await Promise.all(
      names.map(async (name) => Buffer.from(await (await get(clip.hls.replace('index.m3u8', name))).arrayBuffer())),
    );
    const joined = join(folder, 'joined.mp4');
    await writeFile(joined, Buffer.concat(parts));
    const binary = (await ffmpegBinary())?.path ?? '';
    const { stderr } = await promisify(execFile)(binary, ['-i', joined, '-f', 'null', '-']);
    await rm(joined);
    expect(stderr).toMatch(/frame=\s*64\b/);
    expect(stderr).not.toMatch(/error|invalid/i);
  });

  it('is another where later slices are held to the first one (adain)', async () => {
    const asked = { prompt: 'a red ball over a green meadow', seed: 5, seconds: 2, tier: 'base' };
    const etags: (string | null)[] = [];
    for (const adain of [true, false, undefined]) {
      const { id } = await made({ ...asked, adain });
      etags.push((await get(`/v1/clips/${id}.mp4`)).headers.get('etag'));
      await fetch(`${service.url}/v1/clips/${id}`, { method: 'DELETE' });
    }
    const [held, free, usual] = etags;
    expect(free).toBe(usual);
    expect(held).not.toBe(free);
  });

  it('gives nothing of other files', async () => {
    for (const name of ['..%2f..%2fetc%2fpasswd', 'clip.mp4.partial', 'index.m3u8.bak', 'segment0.m4s'])
      expect(await code(await get(clip.hls.replace('index.m3u8', name)))).toEqual([404, 'NOT_FOUND']);
    expect(await code(await get(`/v1/clips/${'x'.repeat(22)}.mp4`))).toEqual([404, 'NOT_FOUND']);
  });

  it('is gone when it is deleted', async () => {
    const address = clip.mp4.replace('.mp4', '');
    expect((await fetch(`${service.url}${address}`, { method: 'DELETE' })).status).toBe(204);
    expect(await code(await get(clip.mp4))).toEqual([404, 'NOT_FOUND']);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a clip that cannot be', () => {
  it.each([
    ['no prompt', { prompt: ' ' }, [400, 'PROMPT_EMPTY']],
    ['more prompts than slices', { prompt: 'a | b | c | d', seconds: 1 }, [400, 'PROMPT_LIST_TOO_LONG']],
    ['a length out of range', { prompt: 'sea', seconds: 10_000 }, [400, 'PARAMETER_INVALID']],
    ['a tier there is not', { prompt: 'sea', tier: 'perfect' }, [400, 'PARAMETER_INVALID']],
    ['a body that is no JSON object', 'sea', [400, 'MESSAGE_INVALID']],
  ])('for %s is refused with its code', async (_what, body, expected) => {
    expect(await code(await ask(body))).toEqual(expected);
  });

  it('is not served before it is made', async () => {
    const asked = (await (await ask({ prompt: 'the sea at night', seconds: 20 })).json()) as ClipBody;
    expect(await code(await get(pathOf(asked.mp4, `${service.url}/v1/clips`)))).toEqual([409, 'CLIP_NOT_READY']);
    expect((await fetch(`${service.url}/v1/clips/${asked.id}`, { method: 'DELETE' })).status).toBe(204);
  });
});

describe('the library', () => {
  const slice = { frames: 8, fps: 12 };
  const fill =
    (bytes: number) =>
    async ({ folder: into }: { folder: string }) =>
      writeFile(join(into, 'clip.mp4'), Buffer.alloc(bytes));

  it('lets go of what was fetched longest ago when it holds too much, and leaves nothing behind', async () => {
    const before = takeHoldings();
    const clips = new Clips({ maxBytes: 250, slice, make: fill(100) });
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) {
      const { id } = clips.create({ prompt: `sea ${count}`, seconds: 1 }, 'anna');
      await expect.poll(() => clips.status(id).state).toBe('ready');
      ids.push(id);
      if (count === 1) await clips.file(ids[0] ?? '', 'clip.mp4');
    }
    expect(() => clips.status(ids[1] ?? '')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    const { path } = await clips.file(ids[0] ?? '', 'clip.mp4');
    await clips.close();
    await expect(readdir(join(path, '..', '..'))).rejects.toThrow('ENOENT');
    await expectNoLeaks(before);
  });

  describe('in a named folder', () => {
    let home: string;
    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), 'glimpse-shelf-'));
    });
    afterEach(() => rm(home, { recursive: true }));
    const open = (maxBytes = 1_000) => Clips.open({ folder: home, maxBytes, slice, make: fill(100) });
    async function made(clips: Clips): Promise<string> {
      const { id } = clips.create({ prompt: 'a secret sea', seconds: 1, seed: 7 }, 'anna');
      await eventually(() => expect(clips.status(id).state).toBe('ready'));
      return id;
    }

    it('serves after a restart what was finished, under the same name and tag', async () => {
      const first = await open();
      const id = await made(first);
      const { etag } = await first.file(id, 'clip.mp4');
      await first.close();
      const second = await open();
      expect(second.status(id)).toMatchObject({ state: 'ready', progress: 1, seed: 7 });
      expect(await second.file(id, 'clip.mp4')).toMatchObject({ etag, bytes: 100, contentType: 'video/mp4' });
      await expect(second.file(id, 'clip.json')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await readFile(join(home, id, 'clip.json'), 'utf8')).not.toContain('secret');
      await second.remove(id);
      await second.close();
      expect(await readdir(home)).toEqual([]);
    });

    it('keeps within its bytes after a restart too', async () => {
      const first = await open();
      await made(first);
      const newest = await made(first);
      await first.close();
      const second = await open(150);
      expect((await readdir(home)).toSorted()).toEqual([newest]);
      await second.close();
    });

    it.each([
      ['a damaged list', async (clip: string) => writeFile(join(clip, 'clip.json'), '{"files":')],
      [
        'a list of another folder’s files',
        async (clip: string) =>
          writeFile(
            join(clip, 'clip.json'),
            '{"seed":1,"durationMs":1,"files":{"../../x":{"bytes":1,"etag":"a","contentType":"b"}}}',
          ),
      ],
      ['a file cut short', async (clip: string) => writeFile(join(clip, 'clip.mp4'), 'x')],
      ['no list', async (clip: string) => rm(join(clip, 'clip.json'))],
    ])('leaves out a clip with %s', async (_, damage) => {
      const first = await open();
      const id = await made(first);
      await first.close();
      await damage(join(home, id));
      const second = await open();
      expect(() => second.status(id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
      await second.close();
    });

    it('clears away what was never finished, once nobody can be at work on it', async () => {
      const id = 'x'.repeat(22);
      await mkdir(join(home, id));
      await shelved(home);
      expect(await readdir(home)).toEqual([id]);
      await shelved(home, Date.now() + 7_200_000);
      expect(await readdir(home)).toEqual([]);
    });
  });

  it('queues so many and no more, and says where each stands', async () => {
    const gate = Promise.withResolvers<void>();
    const clips = new Clips({ maxBytes: 1e6, slice, make: () => gate.promise });
    const asked = Array.from({ length: 33 }, (_, user) => clips.create({ prompt: 'sea', seconds: 1 }, `user ${user}`));
    expect(clips.status(asked[3]?.id ?? '').queuePosition).toBe(2);
    expect(() => clips.create({ prompt: 'sea', seconds: 1 }, 'anna')).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED' }),
    );
    gate.resolve();
    await clips.close();
  });

  it('leaves room in its queue for others, however many one user asks for', async () => {
    const gate = Promise.withResolvers<void>();
    const clips = new Clips({ maxBytes: 1e6, slice, make: () => gate.promise });
    const ask = (user: string) => clips.create({ prompt: 'sea', seconds: 1 }, user);
    const own = Array.from({ length: LIMITS.clipsPerUserMax }, () => ask('anna'));
    expect(() => ask('anna')).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) }),
    );
    expect(ask('ben').state).toBe('queued');
    await clips.remove(own.at(-1)?.id ?? '');
    expect(ask('anna').state).toBe('queued');
    gate.resolve();
    await clips.close();
  });

  it('keeps so many that have failed, and no more', async () => {
    const clips = new Clips({ maxBytes: 1, slice, make: () => Promise.reject(new Error('never')) });
    const first = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    for (let count = 0; count <= LIMITS.clipsKeptMax; count++) {
      const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
      while (['queued', 'making'].includes(clips.status(id).state)) await nextTurn();
    }
    expect(() => clips.status(first.id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    await clips.close();
  });

  it('says why a clip failed', async () => {
    const clips = new Clips({ maxBytes: 1, slice, make: () => Promise.reject(new Error('private words')) });
    const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    await expect.poll(() => clips.status(id).state).toBe('failed');
    expect(clips.status(id).error).toMatchObject({ code: 'ENCODER_FAILED' });
    expect(JSON.stringify(clips.status(id))).not.toContain('private');
    await clips.close();
  });
});

describe('a clip that cannot be written', () => {
  it.each([
    new GlimpseError('STORAGE_FAILED', { message: 'Cannot write /srv/clips/x.mp4: the disk is full.' }),
    new GlimpseError('PARAMETER_INVALID', {
      message: 'Cannot write /srv/clips/x.mp4: there is no folder /srv/clips.',
      details: { path: '/srv/clips/x.mp4' },
    }),
  ])('tells its viewer no path of the operator, and the operator all of it: %o', async (failure) => {
    const told: string[] = [];
    const onError = (error: GlimpseError) => void told.push(`${error.code} ${error.message}`);
    const slice = { frames: 8, fps: 12 };
    const clips = new Clips({ maxBytes: 1, slice, make: () => Promise.reject(failure), onError });
    const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    await eventually(() => expect(clips.status(id).state).toBe('failed'));
    expect(clips.status(id).error).toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    expect(JSON.stringify(clips.status(id))).not.toContain('/srv');
    expect(told).toEqual([expect.stringMatching(/^STORAGE_FAILED .*\/srv\/clips/)]);
    await clips.close();
  });
});

describe('a clips folder that cannot be used', () => {
  const slice = { frames: 8, fps: 12 };
  const failed = async (clips: Clips) => {
    const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    await expect.poll(() => clips.status(id).state).toBe('failed');
    return clips.status(id);
  };

  it('fails its clip, not the process, and is tried again with the next', async () => {
    const before = takeHoldings();
    const parent = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
    const blocked = join(parent, 'blocked');
    await writeFile(blocked, 'a file where the folder should be');
    const errors: string[] = [];
    const make = ({ folder: into }: { folder: string }) => writeFile(join(into, 'clip.mp4'), 'x');
    const clips = new Clips({
      folder: blocked,
      maxBytes: 1e6,
      slice,
      make,
      onError: ({ code: of }) => errors.push(of),
    });
    const status = await failed(clips);
    expect(status.error).toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    expect(JSON.stringify(status)).not.toContain(parent);
    expect(errors).toEqual(['STORAGE_FAILED']);
    await clips.remove(status.id);
    await rm(blocked);
    const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    await expect.poll(() => clips.status(id).state).toBe('ready');
    await clips.close();
    await rm(parent, { recursive: true });
    await expectNoLeaks(before);
  });

  it('that is full fails its clip, and the next is made', async () => {
    let full = true;
    const make = async ({ folder: into }: { folder: string }) => {
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      await writeFile(join(into, 'clip.mp4'), 'x');
    };
    const clips = new Clips({ maxBytes: 1e6, slice, make });
    expect((await failed(clips)).error).toMatchObject({ code: 'STORAGE_FAILED' });
    full = false;
    const { id } = clips.create({ prompt: 'sea', seconds: 1 }, 'anna');
    await expect.poll(() => clips.status(id).state).toBe('ready');
    await clips.close();
  });
});

describe('a range of bytes', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=10-', { start: 10, end: 99 }],
    ['bytes=-5', { start: 95, end: 99 }],
    ['bytes=-500', { start: 0, end: 99 }],
    ['bytes=90-200', { start: 90, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=0-1,5-6', undefined],
    ['lines=0-1', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(readRange(header, 100)).toEqual(expected);
  });
});
