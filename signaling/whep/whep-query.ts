/** The query of `POST /whep` as a generation request: the schema of the `offer` message, with numbers as text. */
import type { z } from 'zod';
import { GlimpseError } from '../../src/errors.ts';
import { mismatch } from '../socket/message-reader.ts';
import { generationRequest } from '../protocol.ts';
import type { GenerationRequest } from '../protocol.ts';
import { roomRequest } from '../room-messages.ts';
import type { RoomRequest } from '../room-messages.ts';

const NUMBERS = new Set(['seed', 'guidance', 'seconds', 'transitionSlices', 'steps']);
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** @throws GlimpseError PARAMETER_INVALID, CODEC_UNSUPPORTED */
export function readWhepQuery(query: Record<string, string>): GenerationRequest {
  // Proxies and analytics add parameters of their own; they are ignored.
  const known = Object.entries(query).filter(([name]) => name in generationRequest.shape);
  const fields = known.map(([name, value]) => [
    name,
    name === 'adain' ? (BOOLEANS[value] ?? value) : NUMBERS.has(name) && DECIMAL.test(value) ? Number(value) : value,
  ]);
  // A missing prompt counts as an empty one: PROMPT_EMPTY is clearer than a type mismatch.
  const result = generationRequest.safeParse({ prompt: '', ...Object.fromEntries(fields) });
  if (result.success) return result.data;
  throw refusal(result.error);
}

/**
 * The room that the query names as `room`, with `key`, `as` and `everyone`; undefined where it names none.
 * @throws GlimpseError PARAMETER_INVALID
 */
export function readRoomQuery({ room: name, key, as, everyone }: Record<string, string>): RoomRequest | undefined {
  if (name === undefined) return undefined;
  const result = roomRequest.safeParse({ name, key, as, everyone });
  if (result.success) return result.data;
  throw refusal(result.error);
}

function refusal(error: z.ZodError): GlimpseError {
  const found = mismatch(error);
  if (found.code !== 'MESSAGE_INVALID') return found;
  return new GlimpseError('PARAMETER_INVALID', { message: found.message });
}
