/** `/v1/clips/{id}.mp4`: finished clips as files. Who keeps them is not signaling's business. */
import { Hono } from 'hono';
import { GlimpseError } from '../src/errors.ts';

export interface ClipSource {
  /** A whole MP4 file; undefined when there is none of that id. */
  read(id: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

export function clipRoutes(clips: ClipSource | undefined): Hono {
  const app = new Hono();
  app.get('/:file{[\\w-]+\\.mp4}', async (context) => {
    const bytes = await clips?.read(context.req.param('file').slice(0, -'.mp4'.length));
    if (!bytes) throw new GlimpseError('NOT_FOUND');
    return context.body(bytes, 200, { 'Content-Type': 'video/mp4', 'Content-Length': String(bytes.length) });
  });
  return app;
}
