/** Chromium's camera and our receive path: what a browser sends is put together, repaired and answered. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { systemClock } from '../../src/clock.ts';
import { MediaReceiver } from '../../src/transport/media-receiver.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import type { Peer, PeerHost } from '../../src/transport/peer/contract.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import type { ReceivedAudio } from '../../src/transport/receive/audio-reception.ts';
import { statedSize } from '../../src/transport/receive/picture-size.ts';
import type { ReceivedFrame } from '../../src/transport/receive/video-reception.ts';
import { openBlankOrigin } from '../support/blank-origin.ts';
import { CameraPage } from '../support/camera-page.ts';

let host: PeerHost;
let browser: Browser;
let origin: Awaited<ReturnType<typeof openBlankOrigin>>;
const timer = new PacerTimer();

beforeAll(async () => {
  [host, browser, origin] = await Promise.all([
    createPeerHost({ host: '127.0.0.1', port: 0 }),
    launchChromium(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']),
    openBlankOrigin(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await host.close();
  await origin.close();
  expect(timer.size).toBe(0);
});

/** @param drop decides which packets the path loses */
function receive(peer: Peer, drop: (packet: Uint8Array) => boolean = () => false) {
  const frames: ReceivedFrame[] = [];
  const audio: ReceivedAudio[] = [];
  const receiver = new MediaReceiver({
    inbound: peer.inbound!,
    clock: systemClock,
    timer,
    sendRtcp: (packet) => peer.sendRtcp(packet),
  });
  receiver.events.on('frame', (frame) => frames.push(frame));
  receiver.events.on('audio', (packet) => audio.push(packet));
  peer.events.on('rtp', (packet) => {
    if (!drop(packet)) receiver.onRtp(packet);
  });
  peer.events.on('rtcp', (packet) => receiver.onRtcp(packet));
  return { frames, audio, receiver };
}

const publisher = (): Peer => host.createPeer({ codecs: [], receive: { codecs: ['VP8', 'H264'], audio: true } });

describe('a camera in Chromium', () => {
  it.each(['VP8', 'H264'] as const)('sends whole pictures of %s, and sound', async (codec) => {
    const peer = publisher();
    const page = await CameraPage.open(browser, origin.url);
    await page.connect(peer, { codec, microphone: true });
    const { frames, audio, receiver } = receive(peer);
    await expect.poll(() => frames.length).toBeGreaterThan(60);
    await expect.poll(() => audio.length).toBeGreaterThan(60);
    expect(frames[0]!.keyframe).toBe(true);
    const size = statedSize(codec, frames[0]!.data)!;
    expect(size.widthPx / size.heightPx).toBeGreaterThan(1.6);
    // Reports and transport-wide feedback: without them there is no round trip, and the estimate stays where it starts.
    await expect.poll(async () => (await page.stats()).roundTripTime).toBeGreaterThan(0);
    await expect.poll(async () => (await page.stats()).availableOutgoingBitrate).toBeGreaterThan(600_000);
    expect(receiver.stats.refused).toBe(0);
    receiver.close();
    await peer.close('done');
    await page.close();
  });

  it('repairs what the path loses, and asks for no keyframe for it', async () => {
    const peer = publisher();
    const page = await CameraPage.open(browser, origin.url);
    await page.connect(peer);
    let count = 0;
    const video = peer.inbound!.video!.payloadType;
    const { frames, receiver } = receive(peer, (packet) => (packet[1]! & 0x7f) === video && ++count % 11 === 0);
    await expect.poll(() => receiver.stats.repaired).toBeGreaterThan(10);
    await expect.poll(() => frames.length).toBeGreaterThan(100);
    expect((await page.stats()).nackCount).toBeGreaterThan(0);
    receiver.close();
    await peer.close('done');
    await page.close();
  });

  it('sends a keyframe when one is needed', async () => {
    const peer = publisher();
    const page = await CameraPage.open(browser, origin.url);
    await page.connect(peer);
    const { frames, receiver } = receive(peer);
    await expect.poll(() => frames.length).toBeGreaterThan(20);
    const before = receiver.stats.keyframes;
    receiver.needKeyframe();
    await expect.poll(() => receiver.stats.keyframes).toBeGreaterThan(before);
    expect((await page.stats()).pliCount).toBeGreaterThan(0);
    receiver.close();
    await peer.close('done');
    await page.close();
  });

  it('sends in the section that it receives in', async () => {
    const peer = host.createPeer({ codecs: ['VP8'], receive: { codecs: ['VP8', 'H264'], audio: false } });
    const page = await CameraPage.open(browser, origin.url);
    await page.connect(peer, { direction: 'sendrecv' });
    const { frames, receiver } = receive(peer);
    await expect.poll(() => frames.length).toBeGreaterThan(30);
    expect(peer.path).toBeDefined();
    receiver.close();
    await peer.close('done');
    await page.close();
  });
});
