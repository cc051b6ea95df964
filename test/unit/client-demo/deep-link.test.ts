import { describe, expect, it } from 'vitest';
import { readDeepLink, writeDeepLink } from '../../../client-demo/deep-link.ts';

describe('deep links', () => {
  it('are read, and nonsense in them is left out', () => {
    expect(readDeepLink({ search: '?prompt=a%20ball&seed=7&mode=clip', hash: '#token=t' })).toEqual({
      prompt: 'a ball',
      seed: 7,
      mode: 'clip',
      token: 't',
    });
    expect(readDeepLink({ search: '?prompt=%20&seed=1.5&mode=loop&token=t', hash: '' })).toEqual({ mode: 'live' });
    expect(readDeepLink({ search: '?seed=4294967296', hash: '' }).seed).toBeUndefined();
  });

  it('are written over the old values and keep the rest', () => {
    expect(writeDeepLink('?theme=t&seed=1', { prompt: 'a ball', seed: 2, mode: 'live' })).toBe(
      '?theme=t&seed=2&prompt=a+ball&mode=live',
    );
  });
});
