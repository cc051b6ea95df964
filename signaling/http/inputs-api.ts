/**
 * `/v1/inputs`: uploads that a session may begin from. The request body is the file itself; the response is an id that
 * a session request names, never a URL or a path.
 */
import { Hono } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { readBytes } from './body.ts';
import type { Identity } from '../access/identity.ts';
import type { Inputs } from '../../src/session/inputs.ts';
import type { Gate } from '../gate.ts';
import type { AccessEnv } from './http-access.ts';
import type { InputBody } from './api-bodies.ts';

export function inputRoutes(gate: Gate): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();

  app.post('/', async (context) => {
    const identity = context.get('identity');
    const inputs = gate.requireInputs();
    const type = context.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? '';
    const types = LIMITS.inputTypes.filter((known) => known.startsWith(inputs.kind));
    if (!types.some((known) => known === type))
      throw new GlimpseError('MEDIA_TYPE_UNSUPPORTED', { message: `The body must be ${types.join(', ')}.` });
    const bytes = await receive(context.req.raw, identity, inputs);
    const stored = await inputs.add(identity.key, bytes, context.req.raw.signal);
    context.header('Cache-Control', 'no-store');
    return context.json(stored satisfies InputBody, 201);
  });

  /** Only clients that may open a session may upload; decoding an upload counts as a creation. */
  async function receive(request: Request, identity: Identity, inputs: Inputs): Promise<Uint8Array> {
    inputs.requireRoom(identity.key);
    await gate.admitUpload(identity);
    using _reading = inputs.beginReading(identity.key);
    const maxBytes = inputs.kind === 'video' ? LIMITS.inputVideoMaxBytes : LIMITS.inputImageMaxBytes;
    return await readBytes(request, { maxBytes, tooLarge: 'INPUT_TOO_LARGE' });
  }

  app.delete('/:id', (context) => {
    gate.requireInputs().remove(context.req.param('id'), context.get('identity').key);
    return context.body(null, 204);
  });

  return app;
}
