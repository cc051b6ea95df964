/** The one error type of the SDK. It keeps the server's codes and adds CONNECTION_LOST for an unreachable server. */
import type { ErrorCode } from './wire.ts';

/** `CONNECTION_LOST`: the server could not be reached, or stopped answering. */
export type ClientErrorCode = ErrorCode | 'CONNECTION_LOST' | CameraErrorCode;

/**
 * `CAMERA_DENIED`: by the user or the page's policy. `CAMERA_NOT_FOUND`: none fits. `CAMERA_IN_USE`: another program has
 * it. `CAMERA_UNAVAILABLE`: the page has no access to devices.
 */
export type CameraErrorCode = 'CAMERA_DENIED' | 'CAMERA_NOT_FOUND' | 'CAMERA_IN_USE' | 'CAMERA_UNAVAILABLE';

export class GlimpseClientError extends Error {
  override readonly name = 'GlimpseClientError';
  /** Stable; compare this, never the text. A newer server may send a code that the type does not list. */
  readonly code: ClientErrorCode;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** Delay before a retry, ms, when the server gave one. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    {
      retryable = false,
      retryAfterMs,
      cause,
    }: { retryable?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

export const connectionLost = (message: string): GlimpseClientError =>
  new GlimpseClientError('CONNECTION_LOST', message, { retryable: true });

export const aborted = (): GlimpseClientError => new GlimpseClientError('ABORTED', 'The stream was closed.');

export const connectTimeout = (): GlimpseClientError =>
  new GlimpseClientError('CONNECT_TIMEOUT', 'No network path for the video was found.', { retryable: true });

/** Converts an error of a browser API to an error of this SDK. */
export function toClientError(error: unknown): GlimpseClientError {
  if (error instanceof GlimpseClientError) return error;
  return new GlimpseClientError('INTERNAL', error instanceof Error ? error.message : String(error), {
    retryable: true,
  });
}
