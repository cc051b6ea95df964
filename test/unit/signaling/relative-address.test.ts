import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeAddress } from '../../../signaling/whep/relative-address.ts';

describe('relativeAddress', () => {
  const part = fc.stringMatching(/^[\w-]{1,8}$/);
  const path = fc.array(part, { minLength: 1, maxLength: 4 });

  it('leads to the target from the request, at the root and below any path of a proxy', () => {
    fc.assert(
      fc.property(path, path, fc.array(part, { maxLength: 3 }), fc.boolean(), (asked, target, prefix, slash) => {
        const request = `${asked.join('/')}${slash ? '/' : ''}`;
        const address = relativeAddress(`http://inner:8080/${request}?prompt=a/b`, target.join('/'));
        const outer = new URL(['', ...prefix, request].join('/'), 'https://outer.example');
        expect(new URL(address, outer).pathname).toBe(['', ...prefix, ...target].join('/'));
      }),
    );
  });

  it.each([
    ['http://h/whep?prompt=sea', 'whep/1', 'whep/1'],
    ['http://h/whep/', 'whep/1', '1'],
    ['http://h/whep/', 'v1/sessions/1/control', '../v1/sessions/1/control'],
    ['http://h/v1/clips/1', 'v1/clips/1.mp4', '1.mp4'],
  ])('from %s to %s is %s', (request, target, expected) => {
    expect(relativeAddress(request, target)).toBe(expected);
  });
});
