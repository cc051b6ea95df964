/** What a viewer's feedback may cost, however little it takes to write. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../bench/link/seeded-random.ts';
import { VP8_VIDEO } from '../../../bench/link/media-port.ts';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';
import { GlimpseEstimator } from '../../../src/congestion/estimator.ts';
import { Throughput } from '../../../src/congestion/feedback/throughput.ts';
import { TwccReader } from '../../../src/congestion/feedback/twcc.ts';
import { Arrivals } from '../../../src/transport/rtcp/arrivals.ts';
import { PacerTimer } from '../../../src/transport/pacing/pacer-timer.ts';
import { parseRtcp } from '../../../src/transport/rtcp/rtcp.ts';
import { VideoSender } from '../../../src/transport/video-sender.ts';
import { RTCP_KINDS } from '../../fuzz/rtcp-kinds.ts';
import { ArrayMediaPath } from '../../../bench/support/wire/array-media-path.ts';
import { cpuMs } from '../../support/cpu-cost.ts';
import { joined, nack, receiverReport, transportFeedback } from '../../../bench/support/wire/rtcp-builder.ts';
import { encodeTwcc } from '../../../bench/support/wire/twcc-encoder.ts';

const { ssrc } = VP8_VIDEO;
/** What one datagram may cost. */
const COST_MAX_MS = 20;

/** Claims so many packets and says that none has come: 24 bytes. */
function claim(packets: number, base = 0): Uint8Array {
  const runs: number[] = [];
  for (let left = packets; left > 0; left -= 0x1fff) runs.push(Math.min(left, 0x1fff));
  const fci = Buffer.alloc(8 + 2 * runs.length);
  fci.writeUInt16BE(base & 0xffff, 0);
  fci.writeUInt16BE(packets, 2);
  runs.forEach((run, index) => fci.writeUInt16BE(run, 8 + 2 * index));
  return transportFeedback(ssrc, fci);
}

function setUp(packets: number) {
  const time = new VirtualTime();
  const path = new ArrayMediaPath();
  const timer = new PacerTimer({ clock: time });
  const sender = new VideoSender({
    path,
    estimator: new GlimpseEstimator(),
    clock: time,
    timer,
    random: seededRandom(1),
  });
  while (path.rtp.length < packets) {
    const unit = { data: new Uint8Array(4_000), keyframe: true, widthPx: 16, heightPx: 16, encodeMs: 0 };
    sender.sendFrame(unit, { captureUs: time.nowUs() });
    time.advance(50);
  }
  return { time, sender, sent: path.rtp.length };
}

const repeated = (packet: Uint8Array, bytes: number): Uint8Array =>
  joined(...Array.from({ length: Math.floor(bytes / packet.length) }, () => packet));

describe('transport-wide feedback', () => {
  it.each([1_180, 60_000])('of 65,535 packets over and over in %i bytes is refused in time', async (bytes) => {
    const { sender } = setUp(100);
    const compound = repeated(claim(65_535), bytes);
    expect(await cpuMs(() => sender.onRtcp(compound))).toBeLessThan(COST_MAX_MS);
    expect(sender.stats.feedbackRefused).toBeGreaterThan(0);
  });

  it('of as many packets as may be in flight, over and over, is read once', async () => {
    const { sender, time, sent } = setUp(5_000);
    const compound = repeated(claim(4_096, sent - 4_096), 60_000);
    expect(
      await cpuMs(() => {
        time.advance(1_000);
        sender.onRtcp(compound);
      }),
    ).toBeLessThan(COST_MAX_MS);
  });

  it('is believed only of packets that were sent', () => {
    const reader = new TwccReader();
    const of = (sequence: number, count: number): Uint8Array =>
      encodeTwcc(Array.from({ length: count }, (_, index) => ({ sequence: sequence + index, arrivedAtUs: 1_000 })));
    expect(reader.read(of(0, 10), 9)?.packets).toHaveLength(10);
    expect(reader.read(of(1, 10), 9)).toBeUndefined();
    expect(reader.read(of(0, 11), 9)).toBeUndefined();
    expect(reader.read(of(65_530, 10), 9)).toBeUndefined();
    expect(reader.read(of(0, 10), 20_000)).toBeUndefined();
    expect(reader.read(of(20_000 - 4_095, 10), 20_000)?.packets).toHaveLength(10);
  });

  it('is read up to its share of a second', () => {
    const { sender, time, sent } = setUp(5_000);
    const one = claim(4_096, sent - 4_096);
    for (let count = 0; count < 100; count++) sender.onRtcp(one);
    const refused = sender.stats.feedbackRefused;
    // All after the first tell nothing new, and all but two are not read at all; a second later it is heard again.
    expect(refused).toBe(99);
    time.advance(1_000);
    const fresh = encodeTwcc([{ sequence: sent - 1, arrivedAtUs: 1_000 }]);
    sender.onRtcp(transportFeedback(ssrc, fresh));
    expect(sender.stats.feedbackRefused).toBe(refused);
  });

  it('that first comes after a long time looks back no further than is remembered', async () => {
    const late = [{ sequence: 500_000_000, arrivedAtUs: 1 }];
    expect(await cpuMs(() => void new Arrivals().onFeedback(late))).toBeLessThan(COST_MAX_MS);
  });
});

const COMPOUNDS: readonly (readonly [name: string, compound: Uint8Array])[] = [
  [
    'reports',
    repeated(receiverReport({ ssrc, fractionLost: 1, lastSenderReport: 1, delaySinceLastSenderReport: 1 }), 60_000),
  ],
  [
    'NACKs',
    repeated(
      nack(
        ssrc,
        Array.from({ length: 300 }, (_, index) => [index * 16, 0xffff] as const),
      ),
      60_000,
    ),
  ],
  ['empty packets', repeated(Uint8Array.of(0x80, 201, 0, 0), 60_000)],
  ...Object.entries(RTCP_KINDS).map(([name, packet]) => [name, repeated(packet, 60_000)] as const),
];

describe('a compound', () => {
  it.each(COMPOUNDS)('of %s costs little', async (_name, compound) => {
    const { sender, time } = setUp(200);
    expect(
      await cpuMs(() => {
        time.advance(1_000);
        sender.onRtcp(compound);
      }),
    ).toBeLessThan(COST_MAX_MS);
    expect(parseRtcp(compound).length).toBeLessThanOrEqual(64);
  });
});

describe('a receiver whose clock stands still', () => {
  it('makes the measure of throughput neither larger nor slower', async () => {
    const throughput = new Throughput();
    for (let count = 0; count < 300_000; count++) throughput.add(1_000_000, 1_000, false);
    const cost = await cpuMs(() => {
      for (let count = 0; count < 1_000; count++) {
        throughput.add(1_000_000, 1_000, false);
        expect(throughput.bps).toBeUndefined();
      }
    });
    // With all of them kept, each look goes through 300,000.
    expect(cost).toBeLessThan(150);
    for (let ms = 0; ms <= 5_000; ms += 10) throughput.add(1_000_000 + ms * 1_000, 1_250, false);
    expect(throughput.bps).toBeCloseTo(1_000_000, -4);
  });
});
