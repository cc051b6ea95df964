/** The sound of one viewer beside the video, in virtual time. */
import { describe, expect, it } from 'vitest';
import { VP8_VIDEO } from '../../../bench/link/media-port.ts';
import { seededRandom } from '../../../bench/link/seeded-random.ts';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';
import { ArrayMediaPath } from '../../../bench/support/wire/array-media-path.ts';
import { GlimpseEstimator } from '../../../src/congestion/estimator.ts';
import type { NegotiatedAudio } from '../../../src/transport/media-path.ts';
import { PacerTimer } from '../../../src/transport/pacing/pacer-timer.ts';
import { redundantPayload } from '../../../src/transport/rtp/opus-payload.ts';
import { VideoSender } from '../../../src/transport/video-sender.ts';

const OPUS: NegotiatedAudio = {
  payloadType: 111,
  ssrc: 0x3333,
  mid: '1',
  clockRateHz: 48_000,
  extensions: { transportWideCc: 3 },
  transportCc: true,
  redPayloadType: 63,
};
const FRAME_US = 20_000;

/** As the real one, with a loss that the test says. */
class LossyEstimator extends GlimpseEstimator {
  lossRatio = 0;

  override get snapshot() {
    return { ...super.snapshot, lossRatio: this.lossRatio };
  }
}

function setUp(audio: NegotiatedAudio | undefined = OPUS) {
  const time = new VirtualTime();
  const path = new ArrayMediaPath(VP8_VIDEO, audio);
  const timer = new PacerTimer({ clock: time });
  const estimator = new LossyEstimator();
  const sender = new VideoSender({ path, estimator, clock: time, timer, random: seededRandom(1) });
  let packets = 0;
  const sound = (bytes = 80): void =>
    sender.sendSound({ data: new Uint8Array(bytes).fill(packets), startUs: FRAME_US * packets++ });
  const video = (bytes: number, keyframe: boolean): void => {
    const unit = { data: new Uint8Array(bytes), keyframe, widthPx: 16, heightPx: 16, encodeMs: 0 };
    sender.sendFrame(unit, { captureUs: time.nowUs() });
  };
  return { time, path, sender, estimator, sound, video };
}

describe('sound', () => {
  it('is one RTP packet a frame, numbered in turn, 960 samples apart', () => {
    const { path, sound, time } = setUp();
    for (let frame = 0; frame < 50; frame++) {
      sound();
      time.advance(20);
    }
    expect(path.sound).toHaveLength(50);
    const [first] = path.sound;
    for (const [index, packet] of path.sound.entries()) {
      expect(packet.payloadType).toBe(111);
      expect(packet.payload).toEqual(new Uint8Array(80).fill(index));
      expect((packet.rtpTimestamp - first!.rtpTimestamp) >>> 0).toBe(960 * index);
      expect(packet.sequenceNumber).toBe((first!.sequenceNumber + index) & 0xffff);
      expect(packet.marker).toBe(index === 0);
    }
  });

  it('leaves at once, before a keyframe that waits, and the video waits for its bytes', () => {
    const { path, sound, video, time } = setUp();
    video(200_000, true);
    time.advance(50);
    const waiting = path.rtp.length;
    sound();
    expect(path.rtp.at(waiting)?.ssrc).toBe(OPUS.ssrc);
    time.advance(1_000);
    const numbers = path.rtp.map(({ transportSequence }) => transportSequence);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('counts in what is sent, and in its own rate', () => {
    const { sender, sound, time } = setUp();
    for (let frame = 0; frame < 60; frame++) {
      sound(80);
      time.advance(20);
    }
    const { soundBps, sentBps, bytesByKind } = sender.stats;
    expect(soundBps).toBeGreaterThan(45_000);
    expect(sentBps).toBe(soundBps);
    expect(bytesByKind.audio).toBe(60 * (80 + 52));
  });

  it('sends nothing in silence, and marks what comes after', () => {
    const { path, sound } = setUp();
    sound();
    for (let frame = 0; frame < 20; frame++) sound(1);
    sound();
    expect(path.sound.map(({ marker }) => marker)).toEqual([true, true]);
    const [first, second] = path.sound;
    expect((second!.rtpTimestamp - first!.rtpTimestamp) >>> 0).toBe(960 * 21);
    expect(second!.sequenceNumber).toBe(first!.sequenceNumber + 1);
  });

  it('is not sent to a viewer that takes none, nor without a path', () => {
    const none = setUp(undefined);
    const silent = new VideoSender({
      path: new ArrayMediaPath(VP8_VIDEO),
      estimator: none.estimator,
      clock: none.time,
      timer: new PacerTimer({ clock: none.time }),
      random: seededRandom(1),
    });
    expect(silent.takesSound).toBe(false);
    silent.sendSound({ data: new Uint8Array(9), startUs: 0 });
    const { path, sound, sender } = setUp();
    expect(sender.takesSound).toBe(true);
    path.up = false;
    sound();
    path.up = true;
    sound();
    expect(path.sound).toHaveLength(1);
    sender.close();
    sound();
    expect(path.sound).toHaveLength(1);
  });

  it('is reported with the same NTP time and CNAME as the video', () => {
    const { path, sound, video, time } = setUp();
    video(500, true);
    sound();
    time.advance(2_000);
    const reports = path.rtcp.map((packet) => {
      const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
      const ntp = [view.getUint32(8), view.getUint32(12)].join('.');
      const cname = Buffer.from(packet.subarray(38, 38 + view.getUint8(37))).toString();
      return { ssrc: view.getUint32(4), ntp, cname };
    });
    const [ofVideo, ofSound] = [VP8_VIDEO.ssrc, OPUS.ssrc].map((ssrc) =>
      reports.filter((report) => report.ssrc === ssrc),
    );
    expect(ofVideo!.length).toBeGreaterThan(1);
    const shared = ofVideo!.filter(({ ntp, cname }) =>
      ofSound!.some((report) => report.ntp === ntp && report.cname === cname),
    );
    expect(shared.length).toBeGreaterThan(0);
    expect(new Set(reports.map(({ cname }) => cname)).size).toBe(1);
  });

  it('repeats the packet before while packets get lost', () => {
    const { path, sound, estimator } = setUp();
    const typesAt = (lossRatio: number): number[] => {
      const from = path.sound.length;
      estimator.lossRatio = lossRatio;
      for (let frame = 0; frame < 3; frame++) sound();
      return path.sound.slice(from).map(({ payloadType }) => payloadType);
    };
    expect(typesAt(0.015)).toEqual([111, 111, 111]);
    expect(typesAt(0.03)).toEqual([63, 63, 63]);
    expect(typesAt(0.015)).toEqual([63, 63, 63]);
    const last = path.sound.at(-1)!;
    expect(last.payloadType).toBe(63);
    expect([...last.payload.subarray(0, 5)]).toEqual([
      0x80 | 111,
      (960 << 10) >>> 16,
      ((960 << 10) >>> 8) & 0xff,
      80,
      111,
    ]);
    expect(last.payload).toHaveLength(5 + 80 + 80);
    expect(typesAt(0.005)).toEqual([111, 111, 111]);
  });
});

describe('redundant audio data', () => {
  const block = (bytes: number, rtpTimestamp: number) => ({ data: new Uint8Array(bytes), rtpTimestamp });
  it('is left out where it cannot be described', () => {
    expect(redundantPayload(block(9, 960), block(1_024, 0), 111)).toBeUndefined();
    expect(redundantPayload(block(9, 20_000), block(9, 0), 111)).toBeUndefined();
    expect(redundantPayload(block(9, 0), block(9, 0), 111)).toBeUndefined();
    expect(redundantPayload(block(9, 0), block(9, 2 ** 32 - 960), 111)).toHaveLength(4 + 1 + 9 + 9);
  });
});
