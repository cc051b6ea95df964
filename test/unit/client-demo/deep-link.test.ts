import { describe, expect, it } from 'vitest';
import { readDeepLink, writeDeepLink } from '../../../client-demo/deep-link.ts';

describe('deep links', () => {
  it('are read, and nonsense in them is left out', () => {
    expect(readDeepLink('?prompt=a%20ball&seed=7&mode=clip&token=t')).toEqual({
      prompt: 'a ball',
      seed: 7,
      mode: 'clip',
      token: 't',
    });
    expect(readDeepLink('?prompt=%20&seed=1.5&mode=loop')).toEqual({ mode: 'live' });
    expect(readDeepLink('?seed=4294967296').seed).toBeUndefined();
  });

  it('are written over the old values and keep the rest', () => {
    expect(writeDeepLink('?token=t&seed=1', { prompt: 'a ball', seed: 2, mode: 'live' })).toBe(
      '?token=t&seed=2&prompt=a+ball&mode=live',
    );
  });
});
