import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupEncodes, type EncodeGroup, type EncodeWish } from '../../../../src/viewer/encodes/encode-groups.ts';

const wish = (viewer: string, kbps: number, format = 'VP8'): EncodeWish => ({
  viewer,
  format,
  bitrateBps: kbps * 1_000,
});
const shown = (groups: readonly EncodeGroup[]): string[] =>
  groups.map(({ format, bitrateBps, viewers }) => `${format} ${bitrateBps / 1_000}: ${viewers.join(' ')}`).toSorted();

describe('who shares an encode', () => {
  it.each<[string, EncodeWish[], string[]]>([
    ['one viewer has an encode at exactly their own rate', [wish('a', 731)], ['VP8 731: a']],
    ['viewers with much the same path share one', [wish('a', 900), wish('b', 1_000)], ['VP8 900: a b']],
    ['nobody is sent more than their path carries', [wish('a', 1_000), wish('b', 300)], ['VP8 1000: a', 'VP8 300: b']],
    ['codecs never mix', [wish('a', 500), wish('b', 500, 'H264')], ['H264 500: b', 'VP8 500: a']],
    [
      'three groups of one codec, each at the least of its members',
      [wish('a', 100), wish('b', 110), wish('c', 500), wish('d', 520), wish('e', 2_000), wish('f', 2_400)],
      ['VP8 100: a b', 'VP8 2000: e f', 'VP8 500: c d'],
    ],
    [
      'a fourth kind of path gets an encode of its own',
      [wish('a', 100), wish('b', 300), wish('c', 900), wish('d', 2_700)],
      ['VP8 100: a', 'VP8 2700: d', 'VP8 300: b', 'VP8 900: c'],
    ],
  ])('%s', (_, wishes, expected) => {
    expect(shown(groupEncodes(wishes, []))).toEqual(expected);
  });

  it('stays as it is while all members get a fair share', () => {
    const first = groupEncodes([wish('a', 900), wish('b', 1_000)], []);
    expect(shown(groupEncodes([wish('a', 720), wish('b', 1_000)], first))).toEqual(['VP8 720: a b']);
    expect(shown(groupEncodes([wish('a', 690), wish('b', 1_000)], first))).toEqual(['VP8 1000: b', 'VP8 690: a']);
  });

  it('joins groups again only when that costs almost nothing', () => {
    const apart = groupEncodes([wish('a', 500), wish('b', 1_000)], []);
    expect(groupEncodes([wish('a', 850), wish('b', 1_000)], apart)).toHaveLength(2);
    expect(groupEncodes([wish('a', 920), wish('b', 1_000)], apart)).toHaveLength(1);
  });

  it('puts a new viewer in the best group that their path carries', () => {
    const before = groupEncodes([wish('a', 500), wish('b', 1_500)], []);
    const after = groupEncodes([wish('a', 500), wish('b', 1_500), wish('c', 1_600)], before);
    expect(shown(after)).toEqual(['VP8 1500: b c', 'VP8 500: a']);
  });

  it('holds its bounds for any viewers and any past', () => {
    const viewer = fc.record({
      kbps: fc.integer({ min: 0, max: 20_000 }),
      format: fc.constantFrom('VP8', 'H264', 'H264 short'),
    });
    const viewers = fc.array(viewer, { maxLength: 50 });
    fc.assert(
      fc.property(viewers, viewers, (past, present) => {
        const named = (list: { kbps: number; format: string }[]): EncodeWish[] =>
          list.map(({ kbps, format }, index) => wish(`v${index}`, kbps, format));
        const wishes = named(present);
        const groups = groupEncodes(wishes, groupEncodes(named(past), []));
        expect(groups.flatMap((group) => group.viewers).toSorted()).toEqual(
          wishes.map((each) => each.viewer).toSorted(),
        );
        for (const group of groups) {
          const members = wishes.filter((each) => group.viewers.includes(each.viewer));
          expect(group.bitrateBps).toBe(Math.min(...members.map((each) => each.bitrateBps)));
          expect(members.every((each) => each.format === group.format)).toBe(true);
        }
        for (const list of Map.groupBy(groups, (group) => group.format).values())
          expect(list.length).toBeLessThanOrEqual(6);
      }),
      { numRuns: 300 },
    );
  });
});
