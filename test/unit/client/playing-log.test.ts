import { describe, expect, it } from 'vitest';
import type { PlayingEvent } from '../../../src/client/options.ts';
import { PlayingLog, rtpDistance } from '../../../src/client/playing-log.ts';

const playing = (slice: number, rtpTimestamp: number): PlayingEvent => ({
  type: 'playing',
  revision: 1,
  slice,
  tier: 'draft',
  rtpTimestamp,
  widthPx: 128,
  heightPx: 128,
});

describe('PlayingLog', () => {
  it('names the slice that plays at a timestamp', () => {
    const log = new PlayingLog();
    log.add(playing(0, 1000));
    log.add(playing(1, 61_000));
    expect(log.at(999)).toBeUndefined();
    expect(log.at(1000)?.slice).toBe(0);
    expect(log.at(60_999)?.slice).toBe(0);
    expect(log.at(61_000)?.slice).toBe(1);
  });

  it('counts across the wrap of 32 bits', () => {
    const log = new PlayingLog();
    log.add(playing(0, 0xffff_fff0));
    log.add(playing(1, 0x0000_ea50));
    expect(log.at(0x10)?.slice).toBe(0);
    expect(log.at(0xf000)?.slice).toBe(1);
    expect(rtpDistance(5, 0xffff_ffff)).toBe(6);
  });

  it('forgets the oldest, not the newest', () => {
    const log = new PlayingLog();
    for (let slice = 0; slice < 200; slice++) log.add(playing(slice, slice * 60_000));
    expect(log.latest?.slice).toBe(199);
    expect(log.at(0)).toBeUndefined();
  });
});
