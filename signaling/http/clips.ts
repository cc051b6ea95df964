/**
 * `/v1/clips`: requests a clip, reports its progress, and serves its files in the form a CDN wants: immutable names,
 * strong entity tags, byte ranges (RFC 9110 section 14) and cache headers. A request needs a token where tokens are
 * required. A file needs only its unguessable id, because a video element sends no token.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { ClipFile, ClipLibrary } from '../../src/clips/contract.ts';
import { LIMITS } from '../../src/limits.ts';
import { readBody, requireType } from './body.ts';
import type { Gate } from '../gate.ts';
import { identified, type AccessEnv } from './http-access.ts';
import { relativeAddress } from '../whep/relative-address.ts';
import { readMessage } from '../socket/message-reader.ts';
import { clipRequest } from './api-bodies.ts';
import type { ClipBody } from './api-bodies.ts';

const LIMIT = { maxBytes: LIMITS.messageMaxBytes, tooLarge: 'MESSAGE_TOO_LARGE', invalid: 'MESSAGE_INVALID' } as const;
/** A year, the longest that caches support. The content of a name never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable';

export function clipRoutes(clips: ClipLibrary, gate: Gate): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();
  app.use('/', identified(gate.access));

  app.post('/', async (context) => {
    requireType(context.req.raw, 'application/json');
    const reading = readMessage(clipRequest, await readBody(context.req.raw, LIMIT));
    if ('error' in reading) throw reading.error;
    const identity = context.get('identity');
    const prompt = await gate.admitClip(reading.message.prompt, identity);
    const body = bodyOf(clips, clips.create({ ...reading.message, prompt }, identity.key).id, context.req.url);
    return context.json(body, 202, {
      Location: relativeAddress(context.req.url, `v1/clips/${body.id}`),
      'Cache-Control': 'no-store',
    });
  });

  app.get('/:file{[\\w-]+\\.mp4}', async (context) =>
    serve(context, await clips.file(context.req.param('file').slice(0, -'.mp4'.length), 'clip.mp4')),
  );
  app.get('/:id{[\\w-]+}', (context) =>
    context.json(bodyOf(clips, context.req.param('id'), context.req.url), 200, { 'Cache-Control': 'no-store' }),
  );
  app.get('/:id{[\\w-]+}/:name', async (context) => {
    const { id, name } = context.req.param();
    return serve(context, await clips.file(id, name));
  });
  app.delete('/:id{[\\w-]+}', async (context) => {
    await clips.remove(context.req.param('id'));
    return context.body(null, 204);
  });
  return app;
}

function bodyOf(clips: ClipLibrary, id: string, requestUrl: string): ClipBody {
  const status = clips.status(id);
  const address = relativeAddress(requestUrl, `v1/clips/${id}`);
  return { ...status, mp4: `${address}.mp4`, hls: `${address}/index.m3u8` };
}

function serve(context: Context, { path, bytes, etag, contentType }: ClipFile): Response {
  const headers = {
    'Content-Type': contentType,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Cache-Control': FOR_EVER,
    'X-Content-Type-Options': 'nosniff',
  };
  if (entityTagMatches(context.req.header('If-None-Match'), etag)) return context.body(null, 304, headers);
  const stillTheSame = [undefined, etag].includes(context.req.header('If-Range'));
  const range = stillTheSame ? readRange(context.req.header('Range'), bytes) : undefined;
  if (range === 'unsatisfiable')
    return context.body(null, 416, { ...headers, 'Content-Range': `bytes */${bytes}`, 'Content-Length': '0' });
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  const length = { 'Content-Length': String(end - start + 1) };
  const part = range ? { 'Content-Range': `bytes ${start}-${end}/${bytes}` } : {};
  const status = range ? 206 : 200;
  const all = { ...headers, ...length, ...part };
  if (context.req.method === 'HEAD') return context.body(null, status, all);
  return context.body(Readable.toWeb(createReadStream(path, { start, end })) as ReadableStream, status, all);
}

/** RFC 9110 section 13.1.2, weak comparison. */
export function entityTagMatches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/**
 * One range of bytes. Several ranges, or an invalid one, are ignored, as RFC 9110 section 14.2 allows.
 * @example readRange('bytes=-500', 2_000) // { start: 1_500, end: 1_999 }
 */
export function readRange(
  header: string | undefined,
  bytes: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = Math.min(bytes, Number(last));
    return suffix === 0 ? 'unsatisfiable' : { start: bytes - suffix, end: bytes - 1 };
  }
  const start = Number(first);
  if (start >= bytes) return 'unsatisfiable';
  if (last !== '' && Number(last) < start) return undefined;
  return { start, end: last === '' ? bytes - 1 : Math.min(bytes - 1, Number(last)) };
}
