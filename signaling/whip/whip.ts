/**
 * WHIP (RFC 9725): a camera comes into a session over HTTP alone. POST an offer to `/whip?session=…`, trickle or restart
 * ICE by PATCH, end by DELETE. The same tokens, limits and abuse rules as WHEP: who publishes into a session must be who
 * owns it, and each POST counts as a creation.
 */
import { Hono } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import type { Publication, Session } from '../../src/session/contract.ts';
import type { Identity } from '../access/identity.ts';
import type { Gate } from '../gate.ts';
import { readBody, requireType } from '../http/body.ts';
import { optionalIdentity, type AccessEnv } from '../http/http-access.ts';
import { iceServerLinks, type IceServers } from '../ice-servers.ts';
import { relativeAddress } from '../whep/relative-address.ts';
import { parseFragment } from '../whep/sdp-fragment.ts';
import { WhepResource } from '../whep/whep-resource.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const SDP_LIMIT = { maxBytes: LIMITS.sdpMaxBytes, tooLarge: 'SDP_TOO_LARGE', invalid: 'SDP_INVALID' } as const;
const ID_MAX_CHARS = 64;

export interface WhipOptions {
  gate: Gate;
  iceServers: IceServers;
  metrics: Metrics;
}

/** A publication, and the session that it goes into. */
interface Published {
  session: Session;
  resource: WhepResource<Publication>;
}

export function whipRoutes({ gate, iceServers, metrics }: WhipOptions): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();
  const published = new Map<string, Published>();

  /** Unknown ids and those of others are answered alike. */
  const find = (id: string, identity: Identity): Published => {
    const found = published.get(id);
    if (!found) throw new GlimpseError('SESSION_NOT_FOUND');
    gate.access.requireSession(identity, found.session.id);
    return found;
  };

  // TURN credentials go only to clients that are known.
  app.options('/', async (context) => {
    const identity = await optionalIdentity(context, gate.access);
    const links = iceServerLinks(iceServers().filter(({ credential }) => identity !== undefined || !credential));
    return context.body(null, 200, { 'Accept-Post': SDP, ...(links.length > 0 && { Link: links.join(', ') }) });
  });
  app.options('/:id', (context) => context.body(null, 200, { 'Accept-Patch': FRAGMENT }));

  app.post('/', async (context) => {
    const identity = context.get('identity');
    requireType(context.req.raw, SDP);
    const session = gate.find(sessionOf(context.req.query('session')), identity);
    await gate.admitUpload(identity);
    const offerSdp = await readBody(context.req.raw, SDP_LIMIT);
    const { publication, answerSdp } = await session.publish(offerSdp);
    const { id } = publication;
    const resource = new WhepResource<Publication>(publication, offerSdp);
    published.set(id, { session, resource });
    publication.events.on('closed', () => published.delete(id));
    publication.events.on('failed', (error) => {
      metrics.countError(error.code);
      gate.access.noteError(identity, error);
    });
    const links = iceServerLinks(iceServers());
    return context.body(answerSdp, 201, {
      'Content-Type': SDP,
      Location: relativeAddress(context.req.url, `whip/${id}`),
      ETag: resource.etag,
      'Accept-Patch': FRAGMENT,
      'Cache-Control': 'no-store',
      ...(links.length > 0 && { Link: links.join(', ') }),
    });
  });

  app.patch('/:id', async (context) => {
    const { resource } = find(context.req.param('id'), context.get('identity'));
    requireType(context.req.raw, FRAGMENT);
    const fragment = parseFragment(await readBody(context.req.raw, SDP_LIMIT));
    const result = await resource.patch(fragment, context.req.header('If-Match'));
    if (result.kind === 'trickled') return context.body(null, 204);
    return context.body(result.fragment, 200, { 'Content-Type': FRAGMENT, ETag: result.etag });
  });

  app.delete('/:id', async (context) => {
    const id = context.req.param('id');
    const { resource } = find(id, context.get('identity'));
    published.delete(id);
    await resource.session.close('the camera left');
    return context.body(null, 200);
  });

  return app;
}

function sessionOf(id: string | undefined): string {
  if (id !== undefined && id !== '' && id.length <= ID_MAX_CHARS) return id;
  throw new GlimpseError('PARAMETER_INVALID', {
    message: 'session: name the session that the camera goes into.',
    details: { parameter: 'session' },
  });
}
