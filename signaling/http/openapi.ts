/**
 * `/openapi.json` (OpenAPI 3.1), made from the same zod schemas that check the traffic, so that it cannot drift. The
 * messages of the WebSocket and the data channel are among its components.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { abuseBody, clipBody, clipRequest, inputBody, readinessBody, sessionBody } from './api-bodies.ts';
import {
  PROTOCOL_VERSION,
  acceptedMessage,
  clientMessage,
  controlMessage,
  errorBody,
  generationRequest,
  serverMessage,
} from '../protocol.ts';
import { roomRequest } from '../room-messages.ts';

type Json = Record<string, unknown>;

const schema = (type: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(type, { io }) as Json;
  return rest;
};
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const content = (type: string, body: Json): Json => ({ content: { [type]: { schema: body } } });
const text: Json = { type: 'string' };
const answer = (description: string, body: Json = {}): Json => ({ description, ...body });
const refusedWith = (codes: readonly ErrorCode[]): Json =>
  answer(`${codes.join(', ')}.`, {
    headers: codes.some((code) => ERROR_CODES[code].retryable)
      ? { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } }
      : {},
    ...content('application/json', ref('Failure')),
  });
const failure = answer('An error; the status is that of its code.', content('application/json', ref('Failure')));
/** Errors of access control, by status. */
const atTheDoor: Json = {
  401: refusedWith(['UNAUTHORIZED']),
  403: refusedWith(['FORBIDDEN', 'ORIGIN_FORBIDDEN']),
  429: refusedWith(['RATE_LIMITED', 'USER_LIMIT', 'ABUSE_REFUSED']),
  503: refusedWith(['SESSION_LIMIT', 'AUTH_DOWN', 'PROMPT_FILTER_DOWN', 'SERVER_CLOSING']),
};
const parameter = (name: string, where: 'path' | 'query' | 'header', type: Json, required = false): Json => ({
  name,
  in: where,
  required: required || where === 'path',
  schema: type,
});
const id = parameter('id', 'path', text);

interface Operation {
  summary: string;
  parameters?: Json[];
  requestBody?: Json;
  responses: Json;
  security?: Json[];
}

/** An operation with only the common errors. */
const operation = (summary: string, ok: Json, { parameters, requestBody }: Partial<Operation> = {}): Operation => ({
  summary,
  ...(parameters ? { parameters } : {}),
  ...(requestBody ? { requestBody: { required: true, ...requestBody } } : {}),
  responses: { ...ok, default: failure },
});

/** An operation behind access control; needs a token where tokens are required. */
const guarded = (summary: string, ok: Json, parts: Partial<Operation> = {}): Operation => {
  const open = operation(summary, ok, parts);
  return { ...open, responses: { ...ok, ...atTheDoor, default: failure }, security: [{ token: [] }] };
};

const FRAGMENT = 'application/trickle-ice-sdpfrag';

const propertiesOf = (type: z.ZodType): Record<string, Json> =>
  schema(type, 'input')['properties'] as Record<string, Json>;

/**
 * The fields of a request, and those of its room, as whep-query.ts reads them. None is required: who joins a room
 * needs no prompt, and who has a stream of their own no room.
 */
function requestParameters(): Json[] {
  const { name: room = {}, ...rest } = propertiesOf(roomRequest);
  const fields = { ...propertiesOf(generationRequest), room, ...rest };
  return Object.entries(fields).map(([name, type]) => parameter(name, 'query', type));
}

export interface DocumentOptions {
  /** Whether clips are served. */
  clips: boolean;
  /** Whether metrics are on this port. */
  metrics: boolean;
  /** Whether tokens are required. */
  tokens: boolean;
}

function paths({ clips, metrics }: DocumentOptions): Record<string, Record<string, Operation>> {
  const json = (name: string) => content('application/json', ref(name));
  const sdp = content('application/sdp', text);
  return {
    '/healthz': { get: operation('Whether the process lives.', { 200: answer('It does.') }) },
    '/readyz': {
      get: operation('Whether a viewer could be served now.', {
        200: answer('Yes.', json('Readiness')),
        503: answer('Not yet, and why.', json('Readiness')),
      }),
    },
    '/openapi.json': { get: guarded('This document.', { 200: answer('OpenAPI 3.1.') }) },
    '/signal': {
      get: guarded(
        'WebSocket: ClientMessage up, ServerMessage down, JSON text. Browsers bring a token as the subprotocol glimpse.token.<jwt>, beside glimpse.v1.',
        { 101: answer('Switching.'), 426: refusedWith(['UPGRADE_REQUIRED']) },
      ),
    },
    '/whep': {
      post: guarded(
        'WHEP: offer in, answer out. Needs a prompt, or the room to join.',
        { 201: answer('Location, ETag, Link and the answer.', sdp) },
        { parameters: requestParameters(), requestBody: sdp },
      ),
      get: guarded('Nothing to see.', { 204: answer('No content.') }),
      options: operation('CORS preflight; Accept-Post, and the ICE servers as Link.', { 200: answer('Allowed.') }),
    },
    '/whep/{id}': {
      patch: guarded(
        'Trickle ICE, or an ICE restart when the credentials are new.',
        { 204: answer('Candidates taken.'), 200: answer('Restarted; new ETag.', content(FRAGMENT, text)) },
        { parameters: [id, parameter('If-Match', 'header', text)], requestBody: content(FRAGMENT, text) },
      ),
      delete: guarded('Ends the session.', { 200: answer('Ended.') }, { parameters: [id] }),
      get: guarded('Nothing to see.', { 204: answer('No content.') }, { parameters: [id] }),
      options: operation('CORS preflight; Accept-Patch.', { 200: answer('Allowed.') }, { parameters: [id] }),
    },
    '/whip': {
      post: guarded(
        'WHIP (RFC 9725): the offer of a camera in, answer out. Its pictures go into a session of the same user.',
        { 201: answer('Location, ETag, Link and the answer.', sdp) },
        { parameters: [parameter('session', 'query', text, true)], requestBody: sdp },
      ),
      options: operation('CORS preflight; Accept-Post, and the ICE servers as Link.', { 200: answer('Allowed.') }),
    },
    '/whip/{id}': {
      patch: guarded(
        'Trickle ICE, or an ICE restart when the credentials are new.',
        { 204: answer('Candidates taken.'), 200: answer('Restarted; new ETag.', content(FRAGMENT, text)) },
        { parameters: [id, parameter('If-Match', 'header', text)], requestBody: content(FRAGMENT, text) },
      ),
      delete: guarded('Ends the camera, not the session.', { 200: answer('Ended.') }, { parameters: [id] }),
      options: operation('CORS preflight; Accept-Patch.', { 200: answer('Allowed.') }, { parameters: [id] }),
    },
    '/v1/sessions/{id}': {
      get: guarded('State and stats.', { 200: answer('Now.', json('Session')) }, { parameters: [id] }),
      delete: guarded('Ends the session.', { 204: answer('Ended.') }, { parameters: [id] }),
    },
    '/v1/sessions/{id}/control': {
      post: guarded(
        'Prompt, steer, pause, play, seek.',
        { 200: answer('Accepted.', json('Accepted')) },
        { parameters: [id], requestBody: json('ControlMessage') },
      ),
    },
    '/v1/inputs': {
      post: {
        ...guarded(
          'A picture (PNG, JPEG, WebP) or video (MP4) for a session to begin from; its request names the id.',
          { 201: answer('Decoded and kept for a while.', json('Input')) },
        ),
        requestBody: {
          required: true,
          content: Object.fromEntries(
            LIMITS.inputTypes.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
          ),
        },
      },
    },
    '/v1/inputs/{id}': {
      delete: guarded('Forgets an upload.', { 204: answer('Forgotten.') }, { parameters: [id] }),
    },
    ...(metrics ? operatorPaths : {}),
    ...(clips ? clipPaths : {}),
  };
}

const operatorPaths: Record<string, Record<string, Operation>> = {
  '/metrics': { get: operation('Prometheus metrics.', { 200: answer('Text format.', content('text/plain', text)) }) },
  '/debug/abuse': {
    get: operation('Clients that are slowed or refused now.', {
      200: answer('By user or address.', content('application/json', ref('Abuse'))),
    }),
  },
};

const clipFile = (summary: string, type: string, parameters: Json[]): Operation =>
  operation(
    summary,
    {
      200: answer('All of it; ETag, immutable.', content(type, {})),
      206: answer('The range asked for.', content(type, {})),
      304: answer('What you have is right.'),
      416: answer('No such range.'),
    },
    { parameters: [...parameters, parameter('Range', 'header', text), parameter('If-None-Match', 'header', text)] },
  );

const clipPaths: Record<string, Record<string, Operation>> = {
  '/v1/clips': {
    post: guarded(
      'Has a clip made in the background.',
      { 202: answer('Queued; Location says where to ask.', content('application/json', ref('Clip'))) },
      { requestBody: content('application/json', ref('ClipRequest')) },
    ),
  },
  '/v1/clips/{id}': {
    get: operation(
      'How far it is.',
      { 200: answer('Now.', content('application/json', ref('Clip'))) },
      { parameters: [id] },
    ),
    delete: operation('Removes it, or stops its making.', { 204: answer('Gone.') }, { parameters: [id] }),
  },
  '/v1/clips/{id}.mp4': { get: clipFile('A finished clip as one file.', 'video/mp4', [id]) },
  '/v1/clips/{id}/{name}': {
    get: clipFile('index.m3u8, the HLS playlist, or a CMAF segment that it names.', 'application/vnd.apple.mpegurl', [
      id,
      parameter('name', 'path', text),
    ]),
  },
};

/** Describes exactly what this service instance serves. */
export function openApiDocument(options: DocumentOptions): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Glimpse', version: String(PROTOCOL_VERSION) },
    // Relative to this document, so that it also works below a proxy's path.
    servers: [{ url: '.' }],
    paths: paths(options),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: options.tokens ? 'Needed.' : 'Not asked for: this server runs without tokens.',
        },
      },
      schemas: {
        ControlMessage: schema(controlMessage, 'input'),
        Input: schema(inputBody, 'output'),
        ClientMessage: schema(clientMessage, 'input'),
        ServerMessage: schema(serverMessage, 'output'),
        Accepted: schema(acceptedMessage, 'output'),
        Session: schema(sessionBody, 'output'),
        Clip: schema(clipBody, 'output'),
        ClipRequest: schema(clipRequest, 'input'),
        Abuse: schema(abuseBody, 'output'),
        Readiness: schema(readinessBody, 'output'),
        Failure: schema(z.object({ error: errorBody.extend({ code: z.enum(Object.keys(ERROR_CODES)) }) }), 'output'),
      },
    },
  };
}
