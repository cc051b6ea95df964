/** A viewer's H.264 decoder, as its offer describes it: what is encoded for it, and how that is sent. */
import { expect, it } from 'vitest';
import { VP8_VIDEO } from '../../bench/link/media-port.ts';
import type { EncoderSettings } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { eventually } from '../support/eventually.ts';
import { FakePeerHost } from '../../bench/support/wire/fake-peer-host.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

/** What packetization mode 0 has not (RFC 6184 section 6.2). */
const [STAP_A, FU_A] = [24, 28];
/** Level 1 holds 99 macroblocks, and 1,485 a second: 128×128 at 20 frames a second, and no larger rung. */
const H264 = { ...VP8_VIDEO, codec: 'H264', h264: { nalMaxBytes: 300, levelIdc: 10 } } as const;

it('gets pictures of its level, in units that fit a packet where it takes no fragments', async () => {
  const host = new FakePeerHost(H264);
  const opened: EncoderSettings[] = [];
  const create = encoderFactory('auto');
  const { sessions } = sessionFixture({
    host,
    rungs: [
      { widthPx: 256, heightPx: 256 },
      { widthPx: 128, heightPx: 128 },
    ],
    createEncoder: (settings) => {
      opened.push(settings);
      return create(settings);
    },
  });
  const session = await sessions.create(REQUEST);
  await session.answer('offer');
  host.last.connect();
  const { sent } = host.last;
  await eventually(() => expect(sent.media.length).toBeGreaterThan(40));
  expect(
    opened.filter(({ codec }) => codec === 'H264').map(({ widthPx, nalMaxBytes }) => [widthPx, nalMaxBytes]),
  ).toEqual([[128, 300]]);
  expect(Math.max(...sent.media.map(({ payload }) => payload.length))).toBeLessThanOrEqual(300);
  const types = new Set(sent.media.map(({ payload }) => payload[0]! & 31));
  expect([types.has(STAP_A), types.has(FU_A)]).toEqual([false, false]);
  await session.close('test over');
});
