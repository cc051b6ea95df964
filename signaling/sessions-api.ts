/** `/v1/sessions/{id}`: look at a session, steer it, end it. Ids are unguessable; whoever has one may do all three. */
import { Hono } from 'hono';
import { LIMITS } from '../src/limits.ts';
import type { SessionRegistry } from '../src/session/contract.ts';
import { readBody } from './body.ts';
import { answerControl } from './control-channel.ts';
import type { SessionBody } from './protocol.ts';

const LIMIT = { maxBytes: LIMITS.messageMaxBytes, tooLarge: 'MESSAGE_TOO_LARGE', invalid: 'MESSAGE_INVALID' } as const;

export function sessionRoutes(registry: SessionRegistry): Hono {
  const app = new Hono();

  app.get('/:id', (context) => {
    const { id, stats } = registry.get(context.req.param('id'));
    context.header('Cache-Control', 'no-store');
    return context.json({ id, state: stats.state, stats } satisfies SessionBody);
  });

  app.post('/:id/control', async (context) => {
    const session = registry.get(context.req.param('id'));
    const reply = await answerControl(session, await readBody(context.req.raw, LIMIT));
    if ('error' in reply) throw reply.error;
    return context.json(reply.accepted);
  });

  app.delete('/:id', async (context) => {
    await registry.get(context.req.param('id')).close('deleted over HTTP');
    return context.body(null, 204);
  });

  return app;
}
