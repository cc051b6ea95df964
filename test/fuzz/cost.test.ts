/** No input of at most 64 KiB costs more than 20 ms of CPU, by whichever way it comes in. */
import { describe, expect, it } from 'vitest';
import { parseFragment, restartOffer } from '../../signaling/sdp-fragment.ts';
import { checkSdp } from '../../signaling/sdp-guard.ts';
import { negotiate } from '../../src/transport/peer/negotiation.ts';
import { readOffer } from '../../src/transport/peer/offer.ts';
import { cpuMs } from '../support/cpu-cost.ts';
import { SDP_REPEATS } from './sdp-repeats.ts';
import { refusing } from './target.ts';

const COST_MAX_MS = 20;

describe('an offer that repeats', () => {
  it.each(SDP_REPEATS)('%s is judged in time', async (_name, sdp) => {
    expect(Buffer.byteLength(sdp)).toBeLessThanOrEqual(64 * 1024);
    for (const codecs of [['VP8', 'H264'], ['H264']] as const) {
      const cost = await cpuMs(() => {
        checkSdp(sdp);
        refusing(() => negotiate(readOffer(sdp), codecs));
      });
      expect(cost).toBeLessThan(COST_MAX_MS);
    }
  });

  it.each(SDP_REPEATS)('%s makes the offer of an ICE restart in time', async (_name, sdp) => {
    const fragment = parseFragment('a=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfedc\r\n');
    expect(await cpuMs(() => void restartOffer(sdp, fragment))).toBeLessThan(COST_MAX_MS);
  });
});
