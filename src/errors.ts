/**
 * Every error that a user or operator can see, in one table: its stable code, its HTTP status, and whether a retry can
 * succeed. The docs are generated from this table. Clients switch on `code`, never on text.
 */
import { LIMITS } from './limits.ts';

export const ERROR_CODES = {
  MESSAGE_INVALID: {
    status: 400,
    retryable: false,
    text: 'The message is not valid JSON or does not match the protocol.',
  },
  MESSAGE_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: `The message is larger than ${LIMITS.messageMaxBytes} bytes.`,
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    text: 'The Content-Type of the body is not one this address accepts.',
  },
  SDP_INVALID: { status: 400, retryable: false, text: 'The SDP cannot be read as an offer this server can answer.' },
  SDP_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: `The SDP is larger than ${LIMITS.sdpMaxBytes} bytes, or has more lines or candidates than any.`,
  },
  CANDIDATE_INVALID: { status: 400, retryable: false, text: 'The ICE candidate cannot be used.' },
  CODEC_UNSUPPORTED: { status: 406, retryable: false, text: 'No video codec is supported by both sides.' },
  PROMPT_EMPTY: { status: 400, retryable: false, text: 'The prompt is empty.' },
  PROMPT_TOO_LONG: { status: 400, retryable: false, text: 'The prompt is longer than the limit.' },
  PROMPT_LIST_TOO_LONG: {
    status: 400,
    retryable: false,
    text: 'The list holds more prompts than the limit, or than the clip has slices.',
  },
  PROMPT_REFUSED: { status: 422, retryable: false, text: 'The prompt is not allowed here.' },
  PROMPT_FILTER_DOWN: { status: 503, retryable: true, text: 'The prompt could not be checked.' },
  INPUT_INVALID: { status: 422, retryable: false, text: 'The upload is not a picture or video that can be decoded.' },
  INPUT_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: 'The upload has more bytes, pixels or seconds than the limit.',
  },
  LIVE_INPUT_UNSUPPORTED: {
    status: 422,
    retryable: false,
    text: 'This server takes no live video: its generator cannot follow it, or it has no decoder.',
  },
  LIVE_INPUT_BUSY: { status: 409, retryable: true, text: 'Another camera is live in this session.' },
  LIVE_INPUT_INVALID: { status: 422, retryable: false, text: 'What the camera sends cannot be decoded.' },
  LIVE_INPUT_TOO_LARGE: { status: 413, retryable: false, text: 'The pictures of the camera have too many pixels.' },
  INPUT_NOT_FOUND: { status: 404, retryable: false, text: 'There is no such upload, or it has expired.' },
  INPUT_LIMIT: { status: 429, retryable: true, text: 'Uploads take as much room as they may; older ones expire.' },
  PARAMETER_INVALID: { status: 400, retryable: false, text: 'A parameter is out of its range.' },
  CONFIG_INVALID: { status: 500, retryable: false, text: 'The configuration is not valid.' },
  NO_SESSION: { status: 409, retryable: false, text: 'There is no session yet: send an offer first.' },
  SESSION_EXISTS: { status: 409, retryable: false, text: 'This connection already has a live session.' },
  SESSION_NOT_FOUND: { status: 404, retryable: false, text: 'No such session, or it has ended.' },
  SESSION_LIMIT: { status: 503, retryable: true, text: 'The server has no room for another session.' },
  ROOM_NOT_FOUND: { status: 404, retryable: false, text: 'There is no such room, or it has ended.' },
  ROOM_FULL: { status: 503, retryable: true, text: 'The room has as many members as it may.' },
  PUBLISHER_EXISTS: {
    status: 409,
    retryable: true,
    text: 'Another member sends camera or microphone into this stream; it follows one at a time.',
  },
  CONNECT_TIMEOUT: { status: 408, retryable: true, text: 'The peer did not connect in time.' },
  RATE_LIMITED: { status: 429, retryable: true, text: 'Too many requests.' },
  USER_LIMIT: { status: 429, retryable: true, text: 'This user or address has as many sessions as it may.' },
  ABUSE_REFUSED: { status: 429, retryable: true, text: 'Too much that had to be refused came from here; wait.' },
  UNAUTHORIZED: { status: 401, retryable: false, text: 'A valid token is needed.' },
  AUTH_DOWN: { status: 503, retryable: true, text: 'Tokens cannot be checked at the moment.' },
  FORBIDDEN: { status: 403, retryable: false, text: 'The token is valid, but not for this.' },
  ORIGIN_FORBIDDEN: { status: 403, retryable: false, text: 'Pages of this origin may not use this server.' },
  HOST_FORBIDDEN: {
    status: 421,
    retryable: false,
    text: 'The Host header names another machine; ask this one by localhost or its loopback address.',
  },
  NOT_FOUND: { status: 404, retryable: false, text: 'There is nothing at this address.' },
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
  CLIP_NOT_READY: { status: 409, retryable: true, text: 'The clip is not made yet, or its making failed.' },
  STORAGE_FAILED: {
    status: 507,
    retryable: true,
    text: 'The server cannot write the file: its disk is full, or its folder cannot be used.',
  },
  PRECONDITION_FAILED: { status: 412, retryable: false, text: 'The ETag does not match the current ICE session.' },
  PRECONDITION_REQUIRED: {
    status: 428,
    retryable: false,
    text: 'The request needs an If-Match header, or the credentials of the present ICE session in its body.',
  },
  MODEL_INVALID: {
    status: 500,
    retryable: false,
    text: 'The model pack is missing a file or does not match its manifest.',
  },
  PROVIDER_MISSING: {
    status: 500,
    retryable: false,
    text: 'The execution provider asked for (CUDA, WebGPU) is not in this installation or finds no device.',
  },
  MEMORY_BUDGET: {
    status: 500,
    retryable: false,
    text: 'A part of the model does not fit the memory budget.',
  },
  WORKFLOW_INVALID: {
    status: 500,
    retryable: false,
    text: 'The workflow lacks something or does not fit its server: a node, a model, an input, or a size.',
  },
  GENERATOR_DOWN: { status: 503, retryable: true, text: 'The generator cannot be reached or has failed.' },
  GENERATOR_UNAVAILABLE: {
    status: 503,
    retryable: true,
    text: 'The generator has failed again and again and is left alone for a while; retryAfterMs says how long.',
  },
  CLUSTER_DOWN: {
    status: 503,
    retryable: true,
    text: 'The cluster cannot be reached, or no worker of it is ready; running streams go on by themselves.',
  },
  CLUSTER_PROTOCOL: {
    status: 502,
    retryable: true,
    text: 'A node of the cluster sent what does not fit its request, and is left out for a while.',
  },
  CLUSTER_REFUSED: {
    status: 500,
    retryable: false,
    text: 'The cluster does not take this node: its credentials, its name or its rights are wrong.',
  },
  CLUSTER_VERSION: {
    status: 500,
    retryable: false,
    text: 'Two nodes of the cluster are more than one version of its protocol apart.',
  },
  SOUND_INVALID: {
    status: 500,
    retryable: false,
    text: 'The generator gave sound of the wrong length, rate or channels, or that is not finite.',
  },
  ENCODER_FAILED: { status: 500, retryable: true, text: 'The video or sound encoder failed.' },
  ENCODER_CLOSED: { status: 500, retryable: false, text: 'The video or sound encoder is closed.' },
  PEER_UNTRUSTED: { status: 403, retryable: false, text: 'The peer failed the DTLS identity checks.' },
  PEER_CLOSED: { status: 410, retryable: true, text: 'The peer connection is closed.' },
  ABORTED: { status: 499, retryable: true, text: 'The operation was cancelled.' },
  SERVER_CLOSING: { status: 503, retryable: true, text: 'The server is shutting down.' },
  INTERNAL: { status: 500, retryable: true, text: 'Something went wrong on the server.' },
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
  throw new GlimpseError('INTERNAL', { message: `unexpected case: ${JSON.stringify(value)}` });
}
