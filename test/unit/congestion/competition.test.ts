/** Telling a queue of our own from one that others keep filled. */
import { describe, expect, it } from 'vitest';
import { Competition, type CompetitionInput } from '../../../src/congestion/competition.ts';

const STEP_US = 100_000;

/** Feeds so many seconds; `input` is asked anew for every step. */
function run(
  competition: Competition,
  time: { nowUs: number },
  seconds: number,
  input: () => Partial<CompetitionInput>,
): void {
  for (let step = 0; step < seconds * 10; step++) {
    time.nowUs += STEP_US;
    competition.update({
      nowUs: time.nowUs,
      pressed: true,
      clear: false,
      lost: false,
      bps: 300e3,
      drainSpeed: 1,
      rttMs: 400,
      packetBytes: 1_000,
      ...input(),
    });
  }
}

/** What was sent before somebody came. */
const before = (): Partial<CompetitionInput> => ({ bps: 1e6, pressed: false, clear: true });

function competing(): { competition: Competition; time: { nowUs: number } } {
  const competition = new Competition();
  const time = { nowUs: 0 };
  run(competition, time, 1, before);
  run(competition, time, 4, () => ({}));
  return { competition, time };
}

describe('Competition', () => {
  it('begins when giving way has gained nothing for seconds', () => {
    const { competition } = competing();
    expect(competition.floorBps).toBeGreaterThan(300e3);
  });

  it('does not begin while the queue gets shorter by what we hold back: it is our own', () => {
    const competition = new Competition();
    const time = { nowUs: 0 };
    run(competition, time, 1, before);
    run(competition, time, 10, () => ({ drainSpeed: 2 }));
    expect(competition.floorBps).toBeUndefined();
  });

  it('does not begin before packets behind the cut have arrived, however long that takes', () => {
    const competition = new Competition();
    const time = { nowUs: 0 };
    run(competition, time, 1, before);
    run(competition, time, 10, () => ({ drainSpeed: 0.2 }));
    expect(competition.floorBps).toBeUndefined();
  });

  it('does not begin far above what the path was last seen to carry', () => {
    const competition = new Competition();
    const time = { nowUs: 0 };
    run(competition, time, 1, () => ({ ...before(), bps: 5e6 }));
    run(competition, time, 4, () => ({ bps: 100e3 }));
    expect(competition.floorBps).toBeLessThan(600e3);
  });

  it('does not begin when little was given up', () => {
    const competition = new Competition();
    run(competition, { nowUs: 0 }, 20, () => ({}));
    expect(competition.floorBps).toBeUndefined();
  });

  it('grows slowly, gives a fifth on loss, and not twice in a round trip', () => {
    const { competition, time } = competing();
    const heldBps = competition.floorBps!;
    run(competition, time, 0.1, () => ({ lost: true }));
    expect(competition.floorBps).toBeCloseTo(0.8 * heldBps);
    run(competition, time, 0.3, () => ({ lost: true }));
    expect(competition.floorBps).toBeGreaterThan(0.8 * heldBps);
    expect(competition.floorBps).toBeLessThan(1.1 * heldBps);
  });

  it('dips now and then, and ends when the dip shows that nobody else is there', () => {
    const { competition, time } = competing();
    const shares = new Set<number>();
    run(competition, time, 20, () => {
      shares.add(competition.share);
      return {};
    });
    expect(shares).toEqual(new Set([1, 0.6]));
    // Alone, the queue is served at the capacity whatever goes in.
    run(competition, time, 8, () => ({ drainSpeed: 2 }));
    expect(competition.floorBps).toBeUndefined();
  });

  it('ends once the queue has been empty for as long as it was full', () => {
    const { competition, time } = competing();
    run(competition, time, 7, () => ({ pressed: false, clear: true }));
    expect(competition.floorBps).toBeUndefined();
    expect(competition.share).toBe(1);
  });
});
