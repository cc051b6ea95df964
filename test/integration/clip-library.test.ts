/** The library of clips: what it keeps, queues and gives up, and folders that cannot be used. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shelved } from '../../src/clips/clip-shelf.ts';
import { Clips } from '../../src/clips/clip-library.ts';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { eventually } from '../support/eventually.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';

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
    await eventually(() => expect(told).toEqual([expect.stringMatching(/^STORAGE_FAILED .*\/srv\/clips/)]));
    expect(clips.status(id).error).toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    expect(JSON.stringify(clips.status(id))).not.toContain('/srv');
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
