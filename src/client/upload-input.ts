/** Uploads a picture or video for a session to begin from; `connect` then takes its id as `input`. */
import type { InputBody } from './wire.ts';
import { connectionLost, GlimpseClientError, type ClientErrorCode } from './errors.ts';
import { serverUrl } from './options.ts';
import type { ConnectOptions, Message } from './options.ts';

export type UploadedInput = InputBody;

export interface UploadOptions extends Pick<ConnectOptions, 'token' | 'signal'> {
  /** As `connect` takes it. Default: where the page is. */
  url?: string | URL | undefined;
}

/**
 * @param file PNG, JPEG or WebP up to 10 MiB, or MP4 up to 30 MiB and 20 s
 * @throws GlimpseClientError with the server's code: INPUT_INVALID, INPUT_TOO_LARGE, INPUT_LIMIT, MEDIA_TYPE_UNSUPPORTED;
 *   CONNECTION_LOST, ABORTED
 * @example
 * const { id } = await uploadInput(file);
 * const live = await connect({ prompt: 'the boat sails on', input: id });
 */
export async function uploadInput(file: Blob, options: UploadOptions = {}): Promise<UploadedInput> {
  const init = { method: 'POST', body: file, headers: { 'Content-Type': file.type } };
  return (await (await ask('v1/inputs', init, options)).json()) as InputBody;
}

/**
 * Deletes an upload before it expires, because each user may keep only a few. Sessions that use it continue.
 * @throws GlimpseClientError INPUT_NOT_FOUND, CONNECTION_LOST, ABORTED
 */
export async function removeInput(id: string, options: UploadOptions = {}): Promise<void> {
  await ask(`v1/inputs/${encodeURIComponent(id)}`, { method: 'DELETE', headers: {} }, options);
}

interface Asked extends RequestInit {
  headers: Record<string, string>;
}

async function ask(path: string, init: Asked, { url, token, signal }: UploadOptions): Promise<Response> {
  const bearer = typeof token === 'function' ? await token() : token;
  const server = serverUrl({ url });
  server.protocol = server.protocol.replace('ws', 'http');
  const response = await fetch(new URL(path, server), {
    ...init,
    headers: { ...init.headers, ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }) },
    ...(signal ? { signal } : {}),
  }).catch(() => {
    throw signal?.aborted === true
      ? new GlimpseClientError('ABORTED', 'The upload was given up.')
      : connectionLost(NOT_TAKEN);
  });
  if (response.ok) return response;
  // A proxy may answer with a body of its own.
  const { error } = ((await response.json().catch(() => undefined)) ?? {}) as { error?: Partial<Message<'error'>> };
  if (error?.code === undefined) throw connectionLost(NOT_TAKEN);
  throw new GlimpseClientError(error.code as ClientErrorCode, error.message ?? NOT_TAKEN, error);
}

const NOT_TAKEN = 'The server did not take the upload.';
