/**
 * Every error that a user or operator can see, in one table: its stable code, its HTTP status, and whether a retry can
 * succeed. The docs are generated from this table. Clients switch on `code`, never on text.
 */
import { LIMITS } from './limits.ts';

export const ERROR_CODES = {
  MESSAGE_INVALID: {
    status: 400,
    retryable: false,
    text: 'The message is not valid JSON or does not match the protocol; /openapi.json describes it.',
  },
  MESSAGE_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: `The message is larger than ${LIMITS.messageMaxBytes} bytes: send a shorter one.`,
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    text: 'The Content-Type of the body is not one that this address accepts; /openapi.json names those.',
  },
  SDP_INVALID: {
    status: 400,
    retryable: false,
    text: 'The SDP is not an offer that this server can answer: offer to receive one video over DTLS.',
  },
  SDP_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: `The SDP is larger than ${LIMITS.sdpMaxBytes} bytes, or has more lines, sections or candidates than any browser sends.`,
  },
  CANDIDATE_INVALID: {
    status: 400,
    retryable: false,
    text: 'The ICE candidate cannot be used; send it as the browser gave it. Other candidates still count.',
  },
  CODEC_UNSUPPORTED: {
    status: 406,
    retryable: false,
    text: 'The browser and the server share no video codec: offer VP8 or H.264.',
  },
  PROMPT_EMPTY: { status: 400, retryable: false, text: 'The prompt is empty: describe a picture in a few words.' },
  PROMPT_TOO_LONG: { status: 400, retryable: false, text: 'The prompt is longer than the limit: shorten it.' },
  PROMPT_LIST_TOO_LONG: {
    status: 400,
    retryable: false,
    text: 'The list holds more prompts than the limit, or than the clip has slices: remove some.',
  },
  PROMPT_REFUSED: { status: 422, retryable: false, text: 'The prompt is not allowed here: use another one.' },
  PROMPT_FILTER_DOWN: {
    status: 503,
    retryable: true,
    text: 'The prompt filter gave no answer, so the prompt was not accepted; try again in a moment.',
  },
  INPUT_INVALID: {
    status: 422,
    retryable: false,
    text: 'The upload cannot be decoded: send a PNG, JPEG or WebP picture, or an MP4 video.',
  },
  INPUT_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: 'The upload has more bytes, pixels or seconds than the limit: send a smaller one.',
  },
  LIVE_INPUT_UNSUPPORTED: {
    status: 422,
    retryable: false,
    text: 'This server takes no live video: its generator cannot follow it, or it has no decoder.',
  },
  LIVE_INPUT_INVALID: {
    status: 422,
    retryable: false,
    text: 'The video of the camera cannot be decoded: send VP8 or H.264.',
  },
  LIVE_INPUT_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: 'The pictures of the camera have too many pixels: send a lower resolution.',
  },
  INPUT_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'There is no such upload, or it has expired: upload it again.',
  },
  INPUT_LIMIT: {
    status: 429,
    retryable: true,
    text: 'There is no room for another upload; older ones expire after a while, so try again later.',
  },
  PARAMETER_INVALID: {
    status: 400,
    retryable: false,
    text: 'A parameter is unknown or out of its range; /openapi.json gives the ranges.',
  },
  CONFIG_INVALID: {
    status: 500,
    retryable: false,
    text: 'The configuration is not valid; `glimpse serve --help` and docs/configuration.md explain each setting.',
  },
  NO_SESSION: { status: 409, retryable: false, text: 'There is no session yet: send an offer first.' },
  SESSION_EXISTS: {
    status: 409,
    retryable: false,
    text: 'This connection already has a session: use it, end it with `bye`, or open another connection.',
  },
  SESSION_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'There is no such session, or it has ended: start a new one.',
  },
  SESSION_LIMIT: { status: 503, retryable: true, text: 'The server has no room for another session; try again later.' },
  ROOM_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'There is no such room, or it has ended: ask for a new link.',
  },
  ROOM_EXISTS: { status: 409, retryable: false, text: 'There is a room of this name already; join it by a link.' },
  ROOM_FULL: { status: 503, retryable: true, text: 'The room has as many members as it may: try again later.' },
  PUBLISHER_EXISTS: {
    status: 409,
    retryable: true,
    text: 'Another member sends a camera or microphone into this stream, which takes one at a time: wait until they stop.',
  },
  CONNECT_TIMEOUT: {
    status: 408,
    retryable: true,
    text: 'The peer did not connect in time: a firewall may block UDP, and a TURN server helps; try again.',
  },
  RATE_LIMITED: {
    status: 429,
    retryable: true,
    text: 'Too many requests in a short time: wait for retryAfterMs, then send fewer.',
  },
  USER_LIMIT: {
    status: 429,
    retryable: true,
    text: 'This user or address has as many sessions as it may: end one first.',
  },
  ABUSE_REFUSED: {
    status: 429,
    retryable: true,
    text: 'Too many requests from here had to be refused: wait for retryAfterMs.',
  },
  UNAUTHORIZED: {
    status: 401,
    retryable: false,
    text: 'A valid token is needed: send one as `Authorization: Bearer`, or ask the operator for one.',
  },
  AUTH_DOWN: { status: 503, retryable: true, text: 'Tokens cannot be checked at the moment; try again shortly.' },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    text: 'The token is valid, but does not permit this: ask for one that does.',
  },
  ORIGIN_FORBIDDEN: {
    status: 403,
    retryable: false,
    text: 'Pages of this origin may not use this server; its operator can add the origin to --allowed-origins.',
  },
  HOST_FORBIDDEN: {
    status: 421,
    retryable: false,
    text: 'The Host header names another machine; ask this one by localhost or its loopback address.',
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'There is nothing at this address; /openapi.json lists the addresses.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    text: 'This address does not take that method; the Allow header names those it takes.',
  },
  UPGRADE_REQUIRED: {
    status: 426,
    retryable: false,
    text: 'This address takes WebSockets only: a proxy before it must pass the Upgrade and Connection headers on.',
  },
  CLIP_NOT_READY: {
    status: 409,
    retryable: true,
    text: 'The clip is not finished, or has failed; `GET /v1/clips/{id}` says which.',
  },
  STORAGE_FAILED: {
    status: 507,
    retryable: true,
    text: 'The server cannot write the file: its disk is full, or its folder cannot be used. The log says which.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    retryable: false,
    text: 'The ETag is not that of the current ICE session: use the one of the latest answer.',
  },
  PRECONDITION_REQUIRED: {
    status: 428,
    retryable: false,
    text: 'The request needs an If-Match header, or the credentials of the current ICE session in its body.',
  },
  MODEL_INVALID: {
    status: 500,
    retryable: false,
    text: 'The model pack lacks a file or does not match its manifest: download or export it again.',
  },
  PROVIDER_MISSING: {
    status: 500,
    retryable: false,
    text: 'The execution provider (CUDA, WebGPU) is not installed or finds no device; --provider cpu works everywhere.',
  },
  MEMORY_BUDGET: {
    status: 500,
    retryable: false,
    text: 'A part of the model does not fit the memory budget: raise --memory-budget, or use a smaller model.',
  },
  WORKFLOW_INVALID: {
    status: 500,
    retryable: false,
    text: 'The workflow lacks a node, model or input, or has a wrong size; `glimpse comfyui check` says which.',
  },
  GENERATOR_DOWN: {
    status: 503,
    retryable: true,
    text: 'The generator cannot be reached or has failed; the server tries again by itself.',
  },
  GENERATOR_UNAVAILABLE: {
    status: 503,
    retryable: true,
    text: 'The generator has failed repeatedly and is not used for a while; retryAfterMs says how long.',
  },
  CLUSTER_DOWN: {
    status: 503,
    retryable: true,
    text: 'The cluster cannot be reached, or no worker of it is ready; running streams go on by themselves.',
  },
  CLUSTER_PROTOCOL: {
    status: 502,
    retryable: true,
    text: 'A node of the cluster sent a message that does not fit its request. It gets no work for a while.',
  },
  CLUSTER_REFUSED: {
    status: 500,
    retryable: false,
    text: 'The cluster refuses this node: check its credentials, its name and its permissions at NATS.',
  },
  CLUSTER_VERSION: {
    status: 500,
    retryable: false,
    text: 'Two nodes of the cluster are more than one version of its protocol apart: update the older one.',
  },
  SOUND_INVALID: {
    status: 500,
    retryable: false,
    text: 'The sound of the generator has the wrong length, rate or channels, or values that are not finite: the log names it.',
  },
  ENCODER_FAILED: {
    status: 500,
    retryable: true,
    text: 'The video or sound encoder failed; the server opens a new one. If it happens again, see the log.',
  },
  ENCODER_CLOSED: {
    status: 500,
    retryable: false,
    text: 'The video or sound encoder is already closed: its session has ended.',
  },
  PEER_UNTRUSTED: {
    status: 403,
    retryable: false,
    text: 'The certificate of the peer is not the one that its offer names, so the connection was refused.',
  },
  PEER_CLOSED: { status: 410, retryable: true, text: 'The peer connection is closed: send a new offer.' },
  ABORTED: { status: 499, retryable: true, text: 'The operation was cancelled.' },
  SERVER_CLOSING: { status: 503, retryable: true, text: 'The server is shutting down; try again in a moment.' },
  INTERNAL: { status: 500, retryable: true, text: 'Something went wrong on the server; its log has the details.' },
} as const satisfies Record<string, { status: number; retryable: boolean; text: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Their messages are for the operator, in the log: they may name addresses, paths, nodes and files. Viewers get the
 * table's text (CWE-209).
 */
const OPERATORS_MATTER: ReadonlySet<ErrorCode> = new Set([
  'AUTH_DOWN',
  'CLUSTER_DOWN',
  'CLUSTER_PROTOCOL',
  'CLUSTER_REFUSED',
  'CLUSTER_VERSION',
  'CONFIG_INVALID',
  'ENCODER_CLOSED',
  'ENCODER_FAILED',
  'GENERATOR_DOWN',
  'GENERATOR_UNAVAILABLE',
  'INTERNAL',
  'MEMORY_BUDGET',
  'MODEL_INVALID',
  'PEER_UNTRUSTED',
  'PROMPT_FILTER_DOWN',
  'PROVIDER_MISSING',
  'SOUND_INVALID',
  'STORAGE_FAILED',
  'WORKFLOW_INVALID',
]);

/** Whether the error describes the installation, so that only its operator can act on it. */
export const isOperatorsMatter = ({ code }: { code: ErrorCode }): boolean => OPERATORS_MATTER.has(code);

export interface ErrorDetails {
  /** Text for people; default: the table's text. Never contains a prompt or SDP. */
  message?: string;
  /** Structured details for the reader of a log or an API: names, limits, counts. */
  details?: Record<string, unknown>;
  retryAfterMs?: number;
  cause?: unknown;
}

/** The one error type that crosses a module boundary. */
export class GlimpseError extends Error {
  override readonly name = 'GlimpseError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, { message, details = {}, retryAfterMs, cause }: ErrorDetails = {}) {
    super(message ?? ERROR_CODES[code].text, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = ERROR_CODES[code].status;
    this.retryable = ERROR_CODES[code].retryable;
    this.details = details;
    this.retryAfterMs = retryAfterMs;
  }

  /** The part that may leave the process: no cause, no stack, nothing about the installation. */
  toJSON(): { code: ErrorCode; message: string; retryable: boolean; retryAfterMs?: number } {
    const { code, retryable, retryAfterMs } = this;
    const message = isOperatorsMatter(this) ? ERROR_CODES[code].text : this.message;
    return { code, message, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

/** Converts any thrown value to a GlimpseError; an unknown failure becomes INTERNAL with the original as cause. */
export function toGlimpseError(error: unknown, fallback: ErrorCode = 'INTERNAL'): GlimpseError {
  if (error instanceof GlimpseError) return error;
  return new GlimpseError(fallback, { cause: error });
}

/** Closes a discriminated union: a missing case is a compile error. */
export function assertNever(value: never): never {
  throw new GlimpseError('INTERNAL', { message: `A case that the code does not know: ${JSON.stringify(value)}.` });
}
