/** Clips over HTTP, made by the embedded model in the background, as a CDN and a player fetch them. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClipBody } from '../../signaling/http/api-bodies.ts';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { startService, type Service } from '../../src/service.ts';

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
