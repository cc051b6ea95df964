/**
 * WHEP (draft-ietf-wish-whep): viewing over HTTP alone. POST an offer to `/whep`, trickle or restart ICE by PATCH, end
 * by DELETE. Control goes to the control URL of the `Link` header or over the data channel `control`, which also
 * carries the session's events.
 */
import { Hono } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import { readBody, requireType } from '../http/body.ts';
import type { Identity } from '../access/identity.ts';
import { serveDataChannel } from '../control/control-channel.ts';
import type { Gate } from '../gate.ts';
import { optionalIdentity } from '../http/http-access.ts';
import type { AccessEnv } from '../http/http-access.ts';
import { iceServerLinks } from '../ice-servers.ts';
import type { IceServers } from '../ice-servers.ts';
import { relativeAddress } from './relative-address.ts';
import { parseFragment } from './sdp-fragment.ts';
import { readRoomQuery, readWhepQuery } from './whep-query.ts';
import { WhepResource } from './whep-resource.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const SDP_LIMIT = { maxBytes: LIMITS.sdpMaxBytes, tooLarge: 'SDP_TOO_LARGE', invalid: 'SDP_INVALID' } as const;
/** Link relation of the URL that takes control messages for the session. */
export const CONTROL_REL = 'urn:glimpse:whep:control';

export interface WhepOptions {
  gate: Gate;
  iceServers: IceServers;
  metrics: Metrics;
}

export function whepRoutes({ gate, iceServers, metrics }: WhepOptions): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();
  const resources = new Map<string, WhepResource>();

  const find = (id: string, identity: Identity): WhepResource => {
    gate.access.requireSession(identity, id);
    const resource = resources.get(id);
    if (!resource) throw new GlimpseError('SESSION_NOT_FOUND');
    return resource;
  };

  // Players may ask before they offer (RFC 9725 section 4.6). TURN credentials go only to clients that may watch.
  app.options('/', async (context) => {
    const identity = await optionalIdentity(context, gate.access);
    const links = iceServerLinks(iceServers().filter(({ credential }) => identity !== undefined || !credential));
    return context.body(null, 200, { 'Accept-Post': SDP, ...(links.length > 0 && { Link: links.join(', ') }) });
  });
  app.options('/:id', (context) => context.body(null, 200, { 'Accept-Patch': FRAGMENT }));
  // Neither resource has a representation; the draft requires success without content.
  app.get('/', (context) => context.body(null, 204));
  app.get('/:id', (context) => {
    find(context.req.param('id'), context.get('identity'));
    return context.body(null, 204);
  });

  app.post('/', async (context) => {
    const identity = context.get('identity');
    requireType(context.req.raw, SDP);
    await gate.access.checkAdmission(identity);
    const offerSdp = await readBody(context.req.raw, SDP_LIMIT);
    const query = context.req.query();
    const request = readWhepQuery(query);
    const { session, answerSdp } = await gate.open({
      identity,
      request,
      room: readRoomQuery(query),
      resumable: false,
      offerSdp,
      onCreated: (created) => {
        const onError = (error: GlimpseError) => {
          metrics.countError(error.code);
          gate.access.noteError(identity, error);
        };
        serveDataChannel(created, { controls: gate.controlsOf(created), events: true, onError });
        resources.set(created.id, new WhepResource(created, offerSdp));
        created.events.on('closed', () => resources.delete(created.id));
      },
    });
    const from = (target: string): string => relativeAddress(context.req.url, target);
    const control = `<${from(`v1/sessions/${session.id}/control`)}>; rel="${CONTROL_REL}"`;
    const links = [control, ...iceServerLinks(iceServers())];
    return context.body(answerSdp, 201, {
      'Content-Type': SDP,
      Location: from(`whep/${session.id}`),
      ETag: find(session.id, identity).etag,
      Link: links.join(', '),
      'Accept-Patch': FRAGMENT,
      'Cache-Control': 'no-store',
    });
  });

  app.patch('/:id', async (context) => {
    const resource = find(context.req.param('id'), context.get('identity'));
    requireType(context.req.raw, FRAGMENT);
    const fragment = parseFragment(await readBody(context.req.raw, SDP_LIMIT));
    const result = await resource.patch(fragment, context.req.header('If-Match'));
    if (result.kind === 'trickled') return context.body(null, 204);
    return context.body(result.fragment, 200, { 'Content-Type': FRAGMENT, ETag: result.etag });
  });

  app.delete('/:id', async (context) => {
    const { session } = find(context.req.param('id'), context.get('identity'));
    resources.delete(session.id);
    await session.close('the viewer left');
    return context.body(null, 200);
  });

  return app;
}
