/** The service survives what no code handled, and ends by a stated rule when exceptions keep coming. */
import { describe, expect, it } from 'vitest';
import { FaultRule, ProcessFaults } from '../../../src/commands/process-faults.ts';
import { silentLog } from '../../../src/log.ts';

describe('the rule of faults', () => {
  it('lets any number of rejections pass', () => {
    const rule = new FaultRule();
    expect(Array.from({ length: 100 }, () => rule.note('rejection', 0)).every(Boolean)).toBe(true);
  });

  it('lets ten exceptions a minute pass, and no more', () => {
    const rule = new FaultRule();
    for (let count = 0; count < 10; count++) expect(rule.note('exception', count)).toBe(true);
    expect(rule.note('exception', 59_000)).toBe(false);
    expect(rule.note('exception', 60_100)).toBe(true);
  });
});

it('each fault is counted, and too many end the service', () => {
  const counted: string[] = [];
  let ended = 0;
  const faults = new ProcessFaults({
    log: silentLog,
    onFault: (kind) => counted.push(kind),
    onTooMany: () => (ended += 1),
  });
  faults.note('rejection', new Error('x'));
  expect([counted, ended]).toEqual([['rejection'], 0]);
  for (let count = 0; count < 11; count++) faults.note('exception', new Error('x'));
  expect([counted.length, ended]).toEqual([12, 1]);
});
