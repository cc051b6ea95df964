/** Uploads a picture or video for a session to begin from; `connect` then takes its id as `input`. */
import type { InputBody } from '../../signaling/api-bodies.ts';
import { GlimpseClientError, type ClientErrorCode } from './errors.ts';
import type { ConnectOptions } from './options.ts';

export type UploadedInput = InputBody;

export interface UploadOptions extends Pick<ConnectOptions, 'token' | 'signal'> {
  /** The server. Default: the page's origin. */
  url?: string | URL | undefined;
}

/**
 * @param file PNG, JPEG or WebP up to 10 MiB, or MP4 up to 30 MiB and 20 s
 * @throws GlimpseClientError with the server's code: INPUT_INVALID, INPUT_TOO_LARGE, INPUT_LIMIT, MEDIA_TYPE_UNSUPPORTED
 * @example
 * const { id } = await uploadInput(file);
 * const live = await connect({ prompt: 'the boat sails on', input: id });
 */
export async function uploadInput(file: Blob, { url, token, signal }: UploadOptions = {}): Promise<UploadedInput> {
  const bearer = typeof token === 'function' ? await token() : token;
  const response = await fetch(new URL('v1/inputs', new URL('.', url ?? globalThis.location.href)), {
    method: 'POST',
    body: file,
    headers: { 'Content-Type': file.type, ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }) },
    ...(signal ? { signal } : {}),
  });
  if (response.ok) return (await response.json()) as InputBody;
  // A proxy may answer in its own words.
  const { code, message, ...more } = ((await response.json().catch(() => undefined)) ?? FOREIGN) as FailureBody;
  throw new GlimpseClientError(code as ClientErrorCode, message, more);
}

interface FailureBody {
  code: string;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
}

const FOREIGN: FailureBody = {
  code: 'CONNECTION_LOST',
  message: 'The server did not take the upload.',
  retryable: true,
};
