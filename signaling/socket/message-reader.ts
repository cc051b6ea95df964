/**
 * Reads a client's text as a protocol message, or returns the coded error that answers it. Errors are data here,
 * because bad input is ordinary at the edge. The `id` of a refused message is still echoed.
 */
import type { z } from 'zod';
import { GlimpseError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';

export type Reading<Message> =
  | { id: number | undefined; message: Message }
  | { id: number | undefined; error: GlimpseError };

/** Fields with an error code of their own for a wrong value; any other mismatch is MESSAGE_INVALID. */
const FIELD_CODES: Readonly<Record<string, ErrorCode>> = {
  codec: 'CODEC_UNSUPPORTED',
  candidate: 'CANDIDATE_INVALID',
  seed: 'PARAMETER_INVALID',
  guidance: 'PARAMETER_INVALID',
  mode: 'PARAMETER_INVALID',
  seconds: 'PARAMETER_INVALID',
  tierCap: 'PARAMETER_INVALID',
  tier: 'PARAMETER_INVALID',
  transition: 'PARAMETER_INVALID',
  transitionSlices: 'PARAMETER_INVALID',
  interpolation: 'PARAMETER_INVALID',
  strength: 'PARAMETER_INVALID',
  timeMs: 'PARAMETER_INVALID',
};

/** Never throws. */
export function readMessage<Message>(schema: z.ZodType<Message>, text: string): Reading<Message> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be a prompt: it is discarded.
    return { id: undefined, error: new GlimpseError('MESSAGE_INVALID', { message: 'The message is not valid JSON.' }) };
  }
  const id = idOf(value);
  const result = schema.safeParse(value);
  return result.success ? { id, message: result.data } : { id, error: mismatch(result.error) };
}

/** The id alone, for a message refused without parsing, so that its sender can match the error. Never throws. */
export function readId(text: string): number | undefined {
  try {
    return idOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Where clients write the id: after the type, or last. */
const ID_FIRST = /^\s*\{\s*(?:"type"\s*:\s*"\w*"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/;
const ID_LAST = /,\s*"id"\s*:\s*(\d{1,15})\s*\}\s*$/;
/** How many characters at either end of an oversized text are searched. */
const END_CHARS = 128;

/** The id of an oversized message, if it is near one of its ends. Never throws. */
export function findId(text: string): number | undefined {
  const digits = ID_FIRST.exec(text.slice(0, END_CHARS))?.[1] ?? ID_LAST.exec(text.slice(-END_CHARS))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function idOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return Number.isInteger(value.id) ? (value.id as number) : undefined;
}

/** Names the field and the rule, never the value. */
export function mismatch(error: z.ZodError): GlimpseError {
  const [issue] = error.issues;
  if (issue === undefined) return new GlimpseError('MESSAGE_INVALID');
  if (issue.code === 'unrecognized_keys') return unknownField(issue.keys[0] ?? '');
  const path = issue.path.map(String);
  const code = path.map((field) => FIELD_CODES[field]).find((found) => found !== undefined) ?? 'MESSAGE_INVALID';
  return new GlimpseError(code, { message: `${path.join('.') || 'message'}: ${issue.message}` });
}

/** Quotes the key only if it looks like a name: a client may put anything there. */
const unknownField = (key: string): GlimpseError =>
  new GlimpseError('PARAMETER_INVALID', {
    message: `${/^\w{1,40}$/.test(key) ? key : 'a field'}: this message has no such field; /openapi.json names its fields.`,
  });

/** Why a message is refused unread; undefined for one that is read. */
export function refusal(data: Buffer, isBinary: boolean): GlimpseError | undefined {
  if (data.length > LIMITS.messageMaxBytes) return new GlimpseError('MESSAGE_TOO_LARGE');
  if (isBinary) return new GlimpseError('MESSAGE_INVALID', { message: 'Messages are text, not binary.' });
  return undefined;
}
