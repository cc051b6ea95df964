/** A viewer that asks for keyframes fifty times a second, over a virtual link, with the session and encoder as they are. */
import { describe, expect, it } from 'vitest';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { VP8_DESCRIPTOR_BYTES } from '../../src/transport/rtp/vp8.ts';
import type { SentRtp } from '../../bench/support/wire/array-media-path.ts';
import { FakeTime } from '../support/fake-time.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';
import { VirtualViewer } from '../support/virtual-viewer.ts';

const STORM_S = 20;
const PLI_INTERVAL_MS = 20;

const PATH = { capacity: [{ fromUs: 0, bps: 600_000 }], delayUs: 40_000, queueUs: 300_000, seed: 5 };
const LINKS = [
  { link: 'a wide link', plan: { ...PATH, capacity: [{ fromUs: 0, bps: 100e6 }] } },
  { link: 'a narrow link', plan: PATH },
  { link: 'a narrow link that loses 5%', plan: { ...PATH, lossRatio: 0.05 } },
];

describe('a storm of PLI', () => {
  it.each(LINKS)(
    'gets at most one keyframe a second, and at most a fifth of the bytes in keyframes, over $link',
    async ({ plan }) => {
      using time = new FakeTime();
      const { sessions, peers } = sessionFixture({ createEncoder: time.awaiting(encoderFactory('auto')) });
      const session = await sessions.create(REQUEST);
      await session.answer('offer');
      using viewer = new VirtualViewer(peers.last, plan);
      peers.last.connect();
      await time.until(() => viewer.received.length > 5);

      const before = viewer.received.length;
      const storm = setInterval(() => viewer.pli(), PLI_INTERVAL_MS);
      await time.pass(STORM_S * 1_000);
      clearInterval(storm);

      const media = viewer.received.slice(before);
      const keyframes = new Set(media.filter(isKeyframeStart).map(({ rtpTimestamp }) => rtpTimestamp));
      const bytesOf = (packets: typeof media): number => packets.reduce((sum, { payload }) => sum + payload.length, 0);
      const keyframeBytes = bytesOf(media.filter(({ rtpTimestamp }) => keyframes.has(rtpTimestamp)));
      expect(session.stats.plis).toBeGreaterThan((0.9 * STORM_S * 1_000) / PLI_INTERVAL_MS);
      expect(keyframes.size).toBeGreaterThan(0);
      // One at the beginning, and one after each second.
      expect(keyframes.size).toBeLessThanOrEqual(1 + STORM_S);
      expect(keyframeBytes / bytesOf(media)).toBeLessThanOrEqual(0.2);
      await time.during(session.close('done'));
    },
  );
});

/** RFC 7741: S set and partition 0 in the descriptor's first octet; bit 0 of the VP8 header is 0 on a keyframe. */
const isKeyframeStart = ({ payload }: SentRtp): boolean =>
  (payload[0]! & 0x17) === 0x10 && (payload[VP8_DESCRIPTOR_BYTES]! & 1) === 0;
