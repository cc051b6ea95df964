import { describe, expect, it } from 'vitest';
import { compare, compareFiles, formatChanges } from '../../../bench/compare.ts';

const report = (queueP95Ms: number, convergeMs: number | null): object => ({
  suite: 'congestion',
  machine: { cores: 2 },
  cases: [
    { name: 'ramp', seed: 1, queueP95Ms, segments: [{ convergeMs }] },
    { name: 'steady', seed: 2, queueP95Ms: 10, segments: [] },
  ],
});

describe('compare', () => {
  it('names the figures that moved, by case', () => {
    expect(compare(report(40, 700), report(20, null))).toEqual([
      { path: 'cases ramp queueP95Ms', before: 40, after: 20 },
      { path: 'cases ramp segments 0 convergeMs', before: 700, after: null },
    ]);
  });

  it('passes over what moved by less than a hundredth', () => {
    expect(compare(report(100, 700), report(100.9, 700))).toEqual([]);
    expect(formatChanges([])).toBe('nothing moved');
  });

  it('tells cases that came from cases that went', () => {
    const changes = compare({ cases: [{ name: 'old', loss: 1 }] }, { cases: [{ name: 'new', loss: 2 }] });
    expect(changes).toEqual([
      { path: 'cases new loss', before: undefined, after: 2 },
      { path: 'cases old loss', before: 1, after: undefined },
    ]);
    expect(formatChanges(changes)).toContain('cases old loss');
  });

  it('shows by how much', () => {
    expect(formatChanges(compare(report(40, 1), report(20, 1)))).toContain('-50.0%');
  });

  it('refuses reports of two suites, and names both', () => {
    const [link, load] = ['bench/results/link.json', 'bench/results/load.json'];
    expect(() => compareFiles(link, load)).toThrow(/link\.json is of link, .*load\.json of load/);
    expect(compareFiles(link, link)).toEqual([]);
  });

  it('says which file it could not read', () => {
    expect(() => compareFiles('/nowhere.json', '/nowhere.json')).toThrow(/nowhere\.json/);
  });
});
