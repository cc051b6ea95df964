/** Request bodies with a size limit enforced while reading: a body over the limit is never held in memory. */
import { GlimpseError, toGlimpseError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';

export interface BodyLimit {
  maxBytes: number;
  /** Error for a body over the limit. */
  tooLarge: ErrorCode;
  /** Error for a body that is not UTF-8. */
  invalid: ErrorCode;
}

/** @throws GlimpseError `tooLarge` or `invalid` */
export async function readBody(request: Request, { invalid, ...limit }: BodyLimit): Promise<string> {
  const bytes = await readBytes(request, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new GlimpseError(invalid, { message: 'The body is not UTF-8.' });
  }
}

/** @throws GlimpseError `tooLarge`, ABORTED */
export async function readBytes(
  request: Request,
  { maxBytes, tooLarge }: Omit<BodyLimit, 'invalid'>,
): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw new GlimpseError(tooLarge);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) throw new GlimpseError(tooLarge);
      chunks.push(chunk);
    }
  } catch (error) {
    // The client aborted it, or a timeout did: not a failure of the server.
    throw toGlimpseError(error, 'ABORTED');
  }
  return Buffer.concat(chunks);
}

/** @throws GlimpseError MEDIA_TYPE_UNSUPPORTED when the body has another type; parameters are ignored */
export function requireType(request: Request, expected: string): void {
  const actual = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (actual !== expected) {
    throw new GlimpseError('MEDIA_TYPE_UNSUPPORTED', { message: `The body must be ${expected}.` });
  }
}
