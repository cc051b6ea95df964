/** A finished clip is encoded by the first who watches it; whoever shows the same pictures is sent the same bytes. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CachingGenerator } from '../../src/generation/cache/caching-generator.ts';
import { LatentCache } from '../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../src/generation/cache/segments.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { VP8_DESCRIPTOR_BYTES } from '../../src/transport/rtp/vp8.ts';
import type { FakePeer } from '../../bench/support/wire/fake-peer-host.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

let holdings: Holdings;
beforeEach(() => (holdings = takeHoldings()));
afterEach(() => expectNoLeaks(holdings));

const cachedPattern = () =>
  new CachingGenerator({
    generator: new PatternGenerator({ widthPx: 128, heightPx: 128, fps: 20 }),
    identity: 'pattern',
    segments: new SegmentCache({ maxBytes: 1e8 }),
    latents: new LatentCache({ maxBytes: 0, maxDistance: 0 }),
    nearStrength: 0.5,
    nearSteps: 1,
  });
const bodies = ({ sent }: FakePeer): string[] =>
  sent.media.map(({ payload }) => Buffer.from(payload.subarray(VP8_DESCRIPTOR_BYTES)).toString('base64'));

it('encodes a finished clip once for all who watch it', async () => {
  await using generator = cachedPattern();
  const { sessions, peers, loops } = sessionFixture({ generator });
  const watch = async () => {
    const session = await sessions.create({ ...REQUEST, mode: 'clip', seconds: 1.2, seed: 3 });
    await session.answer('offer');
    peers.last.connect();
    return { session, peer: peers.last };
  };
  const first = await watch();
  await expect.poll(() => loops.bytes).toBeGreaterThan(0);
  const second = await watch();
  await expect.poll(() => loops.counts.hits).toBe(1);
  const before = second.peer.sent.media.length;
  // A frame that is late or dropped is followed by live ones until the loop begins again.
  const replayed = () => {
    const known = new Set(bodies(first.peer));
    return bodies(second.peer)
      .slice(before)
      .filter((body) => known.has(body));
  };
  await expect.poll(() => replayed().length).toBeGreaterThan(20);
  await first.session.close('done');
  await second.session.close('done');
});
