import { describe, expect, it } from 'vitest';
import { readWhepQuery } from '../../../signaling/whep/whep-query.ts';

describe('the query of POST /whep', () => {
  it('is a generation request, with numbers and truth values in words', () => {
    expect(readWhepQuery({ prompt: 'the sea', seed: '7', guidance: '1.5', adain: 'true' })).toMatchObject({
      prompt: 'the sea',
      seed: 7,
      guidance: 1.5,
      adain: true,
      mode: 'live',
    });
    expect(readWhepQuery({ prompt: '7', adain: 'false' })).toMatchObject({ prompt: '7', adain: false });
  });

  it.each([{ seed: 'seven' }, { adain: 'maybe' }, { adain: '1' }])('refuses %o', (query) => {
    expect(() => readWhepQuery({ prompt: 'sea', ...query })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_INVALID' }),
    );
  });
});
