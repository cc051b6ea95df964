/**
 * `/v1/sessions/{id}`: reads, steers and ends a session. Ids are unguessable; where there are tokens, the token must
 * also own the session. Requests that steer one session run in order. At most `LIMITS.messagesPendingMax` wait; newer
 * ones are refused.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Hono } from 'hono';
import { SerialQueue } from '../../src/lifetime/serial-queue.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import { readBody, requireType } from './body.ts';
import { answerControl } from '../control/control-channel.ts';
import type { Gate } from '../gate.ts';
import type { AccessEnv } from './http-access.ts';
import type { SessionBody } from './api-bodies.ts';

const LIMIT = { maxBytes: LIMITS.messageMaxBytes, tooLarge: 'MESSAGE_TOO_LARGE', invalid: 'MESSAGE_INVALID' } as const;

export function sessionRoutes(gate: Gate): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();
  const queues = new WeakMap<Session, SerialQueue>();

  /** Runs `work` after all earlier work of this session. @throws GlimpseError RATE_LIMITED */
  const inTurn = <Result>(session: Session, work: () => Promise<Result>): Promise<Result> => {
    const queue = queues.get(session) ?? new SerialQueue(LIMITS.messagesPendingMax);
    queues.set(session, queue);
    // One task per turn of the event loop: a burst that arrived together would otherwise run together and delay frames.
    return queue.run(() => nextTurn().then(work));
  };

  app.get('/:id', (context) => {
    const { id, stats } = gate.find(context.req.param('id'), context.get('identity'));
    context.header('Cache-Control', 'no-store');
    return context.json({ id, state: stats.state, stats } satisfies SessionBody);
  });

  app.post('/:id/control', async (context) => {
    const session = gate.find(context.req.param('id'), context.get('identity'));
    requireType(context.req.raw, 'application/json');
    // A body is read when its turn comes: refused and waiting requests hold no memory.
    const answer = await inTurn(session, async () => {
      const text = await readBody(context.req.raw, LIMIT);
      const submitted = answerControl(gate.controlsOf(session), text);
      if (!submitted.waits) await submitted.reply;
      return submitted;
    });
    const reply = await answer.reply;
    if ('error' in reply) throw reply.error;
    return context.json(reply.accepted);
  });

  app.delete('/:id', async (context) => {
    await gate.find(context.req.param('id'), context.get('identity')).close('deleted over HTTP');
    return context.body(null, 204);
  });

  return app;
}
