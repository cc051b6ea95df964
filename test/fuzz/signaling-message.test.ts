import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readMessage } from '../../signaling/socket/message-reader.ts';
import { clientMessage } from '../../signaling/protocol.ts';
import { readWhepQuery } from '../../signaling/whep/whep-query.ts';
import { ERROR_CODES, GlimpseError } from '../../src/errors.ts';

const TYPES = ['offer', 'restart', 'candidate', 'resume', 'prompt', 'steer', 'pause', 'play', 'seek', 'bye', 'x'];
/** Objects that look like messages, with wrong values in the right places. */
const almostMessage = fc.record(
  {
    type: fc.constantFrom(...TYPES),
    id: fc.anything(),
    sdp: fc.oneof(fc.string(), fc.anything()),
    prompt: fc.oneof(fc.string(), fc.anything()),
    request: fc.oneof(fc.anything(), fc.record({ prompt: fc.string(), codec: fc.string(), seed: fc.double() })),
    candidate: fc.oneof(fc.anything(), fc.record({ candidate: fc.string() })),
    timeMs: fc.oneof(fc.double(), fc.anything()),
    tierCap: fc.string(),
  },
  { requiredKeys: ['type'] },
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  almostMessage.map((value) => encode(value)),
);

/** JSON where there is JSON: fast-check also makes bigints and cycles. */
function encode(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '{';
  }
}

it('reads any text as a message or a coded error', () => {
  fc.assert(
    fc.property(text, (input) => {
      const reading = readMessage(clientMessage, input);
      if ('error' in reading) expect(ERROR_CODES).toHaveProperty(reading.error.code);
      else expect(TYPES).toContain(reading.message.type);
    }),
    { numRuns: 500 },
  );
});

/** Everywhere a refused value can stand. */
const places = (value: string) => [
  value,
  `{"type":"${value}"}`,
  `{"type":"prompt","prompt":${value}}`,
  `{"type":"offer","sdp":"${value}","request":"${value}"}`,
  `{"type":"steer","tierCap":"${value}"}`,
  `{"type":"candidate","candidate":{"candidate":7,"sdpMid":"${value}"}}`,
];

it('never quotes what it refuses', () => {
  const secret = fc.string({ unit: fc.constantFrom('Q', 'X', 'Z'), minLength: 12, maxLength: 30 });
  fc.assert(
    fc.property(secret, (value) => {
      for (const place of places(value)) {
        const reading = readMessage(clientMessage, place);
        expect(reading).toHaveProperty('error');
        if ('error' in reading) expect(JSON.stringify(reading.error)).not.toContain(value);
      }
    }),
  );
});

it('reads any query as a request or a coded error', () => {
  const names = fc.constantFrom('prompt', 'seed', 'mode', 'seconds', 'codec', 'guidance', 'tierCap', '__proto__', 'x');
  fc.assert(
    fc.property(fc.dictionary(names, fc.oneof(fc.string(), fc.integer().map(String))), (query) => {
      try {
        expect(readWhepQuery(query).seconds).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(GlimpseError);
        expect(['PARAMETER_INVALID', 'CODEC_UNSUPPORTED']).toContain((error as GlimpseError).code);
      }
    }),
  );
});
