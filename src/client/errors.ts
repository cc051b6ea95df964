/**
 * The one error type of the SDK. The server's codes pass through as they are; the browser adds one of its own, because
 * a dead network has nobody to name it.
 */
import type { ErrorCode } from './wire.ts';

/** `CONNECTION_LOST`: the server could not be reached, or stopped answering. */
export type ClientErrorCode = ErrorCode | 'CONNECTION_LOST';

export class GlimpseClientError extends Error {
  override readonly name = 'GlimpseClientError';
  /** Stable; switch on this, never on the text. A newer server may send a code that is not in the type. */
  readonly code: ClientErrorCode;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** How long to wait before trying again, ms, when the server said so. */
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

/** What a browser API threw, as an error of this SDK. */
export function toClientError(error: unknown): GlimpseClientError {
  if (error instanceof GlimpseClientError) return error;
  return new GlimpseClientError('INTERNAL', error instanceof Error ? error.message : String(error), {
    retryable: true,
  });
}
