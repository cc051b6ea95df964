/** A viewer that asks for keyframes fifty times a second, over a real link, a real connection, encoder and session. */
import { describe, expect, it } from 'vitest';
import { Relay } from '../../bench/link/relay.ts';
import { systemClock } from '../../src/clock.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { VP8_DESCRIPTOR_BYTES } from '../../src/transport/vp8.ts';
import { createWeriftClient, until } from '../support/werift-client.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

const STORM_MS = 6_000;
const PLI_INTERVAL_MS = 20;

/** A candidate up to its port, and the port. */
const CANDIDATE = /(a=candidate:\S+ \d+ \S+ \d+ \S+ )(\d+)/;
const PATH = { capacity: [{ fromUs: 0, bps: 600_000 }], delayUs: 40_000, queueUs: 300_000, seed: 5 };
const LINKS = [
  { link: 'a wide link', forward: { ...PATH, capacity: [{ fromUs: 0, bps: 100e6 }] } },
  { link: 'a narrow link', forward: PATH },
  { link: 'a narrow link that loses 5%', forward: { ...PATH, lossRatio: 0.05 } },
];

describe('a storm of PLI', () => {
  it.concurrent.each(LINKS)(
    'gets at most one keyframe a second, and at most a fifth of the bytes in keyframes, over $link',
    async ({ forward }) => {
      const peers = await createPeerHost({ host: '127.0.0.1', port: 0 });
      const { sessions } = sessionFixture({ host: peers });
      const session = await sessions.create(REQUEST);
      const client = createWeriftClient();
      const { pc } = client;
      await pc.setLocalDescription(await pc.createOffer());
      const answer = await session.answer(pc.localDescription!.sdp.replaceAll(/^a=candidate:.*\r\n/gm, ''));
      const relay = await Relay.open({
        forward,
        backward: PATH,
        server: { address: '127.0.0.1', port: Number(CANDIDATE.exec(answer)![2]) },
      });
      await pc.setRemoteDescription({
        type: 'answer',
        sdp: answer.replaceAll(new RegExp(CANDIDATE, 'g'), `$1${relay.address.port}`),
      });
      await pc.connectionStateChange.watch((state) => state === 'connected');
      pc.dtlsTransports[0]!.onRtp.subscribe((packet) => client.received.push(packet));
      await until(() => client.received.length > 5);

      const before = client.received.length;
      // Retransmissions travel under the next number.
      const ssrc = Math.min(...client.received.map(({ header }) => header.ssrc));
      const [transceiver] = pc.getTransceivers();
      const storm = setInterval(() => void transceiver!.receiver.sendRtcpPLI(ssrc), PLI_INTERVAL_MS);
      const startedUs = systemClock.nowUs();
      const stormy = () => session.stats.plis >= STORM_MS / PLI_INTERVAL_MS / 2;
      await until(() => systemClock.nowUs() - startedUs >= STORM_MS * 1_000 && stormy());
      clearInterval(storm);
      const elapsedS = (systemClock.nowUs() - startedUs) / 1e6;

      const media = client.received.slice(before).filter(({ header }) => header.ssrc === ssrc);
      const keyframes = new Set(
        media.filter(({ payload }) => isKeyframeStart(payload)).map(({ header }) => header.timestamp),
      );
      const bytesOf = (packets: typeof media): number => packets.reduce((sum, { payload }) => sum + payload.length, 0);
      const keyframeBytes = bytesOf(media.filter(({ header }) => keyframes.has(header.timestamp)));
      expect(keyframes.size).toBeGreaterThan(0);
      // One at the beginning, and one after each second: a busy machine stops the storm late.
      expect(keyframes.size).toBeLessThanOrEqual(1 + Math.floor(elapsedS));
      expect(keyframeBytes / bytesOf(media)).toBeLessThanOrEqual(0.2);

      await session.close('done');
      await client.close();
      await peers.close();
      await relay.close();
    },
  );
});

/** RFC 7741: S set and partition 0 in the descriptor's first octet; bit 0 of the VP8 header is 0 on a keyframe. */
const isKeyframeStart = (payload: Buffer): boolean =>
  (payload[0]! & 0x17) === 0x10 && (payload[VP8_DESCRIPTOR_BYTES]! & 1) === 0;
