import { describe, expect, it } from 'vitest';
import { errorWords } from '../../../client-demo/error-words.ts';
import type { ClientErrorCode } from '../../../src/client/index.ts';
import { ERROR_CODES } from '../../../src/errors.ts';

/** Of WHEP, clips and HTTP requests that the page never sends, and of a server that does not start. */
const NOT_ON_THE_PAGE = [
  'CLIP_NOT_READY',
  'CONFIG_INVALID',
  'METHOD_NOT_ALLOWED',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
  'UPGRADE_REQUIRED',
];
const OF_THE_SDK = ['CONNECTION_LOST', 'CAMERA_DENIED', 'CAMERA_NOT_FOUND', 'CAMERA_IN_USE', 'CAMERA_UNAVAILABLE'];
const codes = [...Object.keys(ERROR_CODES), ...OF_THE_SDK] as ClientErrorCode[];

describe('the texts of the page', () => {
  it('are there for every code that a viewer can meet, and no other', () => {
    // Without a text of its own the page shows the message.
    const without = codes.filter((code) => errorWords({ code, message: '' }).includes(code));
    expect(without.toSorted((a, b) => a.localeCompare(b))).toEqual(NOT_ON_THE_PAGE);
  });

  it('are short whole sentences without words of the protocol', () => {
    const seen = codes.filter((code) => !NOT_ON_THE_PAGE.includes(code));
    for (const code of seen) {
      const words = errorWords({ code, message: '' });
      expect(words, code).toMatch(/^[A-Z].*\.$/);
      expect(words, code).not.toMatch(/SDP|ICE|ETag|HTTP |Host header|nobody|whoever|[A-Z]+_[A-Z]+/);
      expect(words.length, code).toBeLessThan(120);
    }
  });

  it('keep the limit that the server names, and the message of a code that this page does not know', () => {
    const message = 'The prompt has 1200 characters; at most 1000 are allowed. Shorten it.';
    expect(errorWords({ code: 'PROMPT_TOO_LONG', message })).toBe(message);
    expect(errorWords({ code: 'NEWER' as ClientErrorCode, message: 'Of a newer server.' })).toBe('Of a newer server.');
  });
});
