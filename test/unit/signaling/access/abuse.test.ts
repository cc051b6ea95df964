import { beforeEach, describe, expect, it } from 'vitest';
import { ABUSE_WEIGHTS, AbuseScores } from '../../../../signaling/access/abuse.ts';
import type { AbuseCause, AbuseDecision } from '../../../../signaling/access/abuse.ts';
import { Quotas } from '../../../../signaling/access/quotas.ts';
import { TokenBucket } from '../../../../signaling/access/token-bucket.ts';
import { LABELLED } from '../../../../src/metrics/definitions.ts';

const MINUTE_MS = 60_000;
let decisions: AbuseDecision[];
let scores: AbuseScores;
beforeEach(() => {
  decisions = [];
  scores = new AbuseScores(100, (decision) => decisions.push(decision));
});
const note = (cause: AbuseCause, times: number, nowMs = 0, key = 'a') => {
  for (let count = 0; count < times; count++) scores.note(key, cause, nowMs);
};

describe('abuse scores', () => {
  it('slow first, then refuse, and tell each decision once with what counted', () => {
    note('refusal', 29);
    expect(scores.level('a', 0)).toBe('none');
    note('refusal', 1);
    expect(scores.level('a', 0)).toBe('slow');
    note('unauthorized', 7);
    expect(scores.level('a', 0)).toBe('refuse');
    expect(decisions).toMatchObject([
      { key: 'a', level: 'slow', cause: 'refusal', score: 30 },
      { key: 'a', level: 'refuse', cause: 'unauthorized', score: 100, causes: { refusal: 30, unauthorized: 70 } },
    ]);
    expect(scores.level('b', 0)).toBe('none');
  });

  it('forgive with time: refused until below the slowing score, then let in', () => {
    note('flood', 100);
    expect(scores.level('a', MINUTE_MS)).toBe('refuse');
    const waitMs = scores.retryAfterMs('a');
    expect(scores.level('a', MINUTE_MS + waitMs - 100)).toBe('refuse');
    expect(scores.level('a', MINUTE_MS + waitMs + 1)).toBe('none');
    expect(decisions.map(({ level }) => level)).toEqual(['slow', 'refuse', 'none']);
  });

  it('grow to a ceiling, so that nobody waits for ever', () => {
    note('unauthorized', 10_000);
    expect(scores.retryAfterMs('a')).toBeLessThan(3 * MINUTE_MS);
  });

  it('are kept for so many clients, and those who are refused longest', () => {
    scores = new AbuseScores(100, () => {}, { keysMax: 3 });
    note('flood', 100, 0, 'bad');
    for (let client = 0; client < 50; client++) note('refusal', 1, 0, `client-${client}`);
    expect(scores.size).toBe(3);
    expect(scores.level('bad', 0)).toBe('refuse');
    scores.sweep(60 * MINUTE_MS);
    expect(scores.size).toBe(0);
  });

  it('are off at a limit of zero', () => {
    scores = new AbuseScores(0, (decision) => decisions.push(decision));
    note('unauthorized', 1_000);
    expect([scores.level('a', 0), decisions]).toEqual(['none', []]);
  });

  it('have causes that the metric knows', () => {
    expect(Object.keys(ABUSE_WEIGHTS).toSorted()).toEqual([...LABELLED.abuseDecisions.labels.cause].toSorted());
  });
});

describe('a token bucket', () => {
  it('gives a burst, then its rate, and says how long to wait', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([0, 0, 0, 100]);
    expect(bucket.take(100)).toBe(0);
    expect(bucket.take(150)).toBe(50);
    expect(bucket.take(10_000)).toBe(0);
  });
});

describe('quotas', () => {
  it('admit so many creations a minute, and say when the next is due', async () => {
    const quotas = new Quotas({ creationsPerMinute: 3 });
    for (let creation = 0; creation < 3; creation++) await quotas.take('a');
    await expect(quotas.take('a')).rejects.toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    await expect(quotas.check('a')).rejects.toMatchObject({ retryAfterMs: expect.any(Number) });
    await quotas.take('b');
  });

  it('hold so many sessions at once, and give each back once', async () => {
    const quotas = new Quotas({ creationsPerMinute: 100, sessionsPerUser: 2 });
    const release = await quotas.take('a');
    await quotas.take('a');
    await expect(quotas.take('a')).rejects.toMatchObject({ code: 'USER_LIMIT', status: 429 });
    release();
    release();
    await quotas.take('a');
    await expect(quotas.take('a')).rejects.toMatchObject({ code: 'USER_LIMIT' });
  });

  it('take a token’s own limits instead', async () => {
    const quotas = new Quotas({ creationsPerMinute: 100, sessionsPerUser: 2 });
    await quotas.take('a', { sessions: 1 });
    await expect(quotas.take('a', { sessions: 1 })).rejects.toMatchObject({ code: 'USER_LIMIT' });
    await expect(quotas.take('a', { creationsPerMinute: 0 })).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });
});
