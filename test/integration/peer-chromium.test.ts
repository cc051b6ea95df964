/** Our peer and Chromium, which holds us to everything a browser asks: SDP, ICE, DTLS, SRTP, SCTP. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Peer, PeerHost } from '../../src/transport/peer/contract.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { ViewerPage } from '../support/viewer-page.ts';

let host: PeerHost;
let browser: Browser;
beforeAll(async () => {
  [host, browser] = await Promise.all([createPeerHost({ host: '127.0.0.1', port: 0 }), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await host.close();
});

/** Sends a small packet every 10 ms as soon as there is a path. */
function stream(peer: Peer): { sent: () => number; stop: () => void } {
  let sent = 0;
  const timer = setInterval(() => {
    const { path } = peer;
    if (path === undefined) return;
    const { ssrc, payloadType } = path.video;
    const packet = { ssrc, payloadType, rtpTimestamp: sent * 900, marker: true, payload: Buffer.alloc(300, 1) };
    if (path.sendRtp({ ...packet, sequenceNumber: (1 + sent) & 0xffff }) !== undefined) sent += 1;
  }, 10);
  return { sent: () => sent, stop: () => clearInterval(timer) };
}

describe('Chromium', () => {
  it('receives two sessions at once on one port', async () => {
    const sessions = await Promise.all(
      [1, 2].map(async () => {
        const peer = host.createPeer({ codecs: ['VP8', 'H264'] });
        return { peer, viewer: await ViewerPage.open(browser), media: stream(peer) };
      }),
    );
    await Promise.all(sessions.map(({ viewer, peer }) => viewer.connect(peer)));
    expect(host.peerCount).toBe(2);
    for (const { viewer } of sessions) {
      const stats = await viewer.until(({ packetsReceived }) => packetsReceived > 50);
      expect(stats).toMatchObject({ connectionState: 'connected', packetsLost: 0 });
    }
    for (const { peer, viewer, media } of sessions) {
      media.stop();
      await peer.close('done');
      await viewer.page.close();
    }
    expect(host.peerCount).toBe(0);
  });

  it('takes H264 when that is what we prefer, with audio first, and text on the control channel', async () => {
    const peer = host.createPeer({ codecs: ['H264', 'VP8'] });
    const viewer = await ViewerPage.open(browser);
    const heard = new Promise((resolve) => {
      peer.events.once('control', resolve);
    });
    const media = stream(peer);
    await viewer.connect(peer, { audioFirst: true, control: true });
    await viewer.until(({ packetsReceived }) => packetsReceived > 10);
    expect(peer.path!.video).toMatchObject({ codec: 'H264', rtx: { payloadType: expect.any(Number) as number } });
    await viewer.page.evaluate(async () => {
      const { channel } = window as unknown as { channel: RTCDataChannel };
      while (channel.readyState !== 'open') await new Promise((resolve) => setTimeout(resolve, 10));
      channel.send('hello');
    });
    expect(await heard).toBe('hello');
    for (let index = 0; index < 20; index += 1) expect(peer.sendControl(`${index}`)).toBe(true);
    const texts = await viewer.page.evaluate(async () => {
      const viewerWindow = window as unknown as { texts: string[] };
      while (viewerWindow.texts.length < 20) await new Promise((resolve) => setTimeout(resolve, 10));
      return viewerWindow.texts;
    });
    expect(texts).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    media.stop();
    await peer.close('done');
    await viewer.page.close();
  });

  it('comes by TCP where that is all there is', async () => {
    const tcpHost = await createPeerHost({ host: '127.0.0.1', port: 0, tcpPort: 0 });
    const peer = tcpHost.createPeer({ codecs: ['VP8'] });
    const viewer = await ViewerPage.open(browser);
    const media = stream(peer);
    await viewer.connect(peer, { onlyTcp: true });
    const stats = await viewer.until(({ packetsReceived }) => packetsReceived > 50);
    expect(stats).toMatchObject({ connectionState: 'connected', packetsLost: 0 });
    media.stop();
    await viewer.page.close();
    await tcpHost.close();
  });

  it('restarts ICE without losing a packet', async () => {
    const peer = host.createPeer({ codecs: ['VP8'] });
    const viewer = await ViewerPage.open(browser);
    const media = stream(peer);
    await viewer.connect(peer);
    await viewer.until(({ packetsReceived }) => packetsReceived > 50);
    await viewer.restartIce(peer);
    const before = media.sent();
    await viewer.until(({ packetsReceived }) => packetsReceived > before + 50);
    // Two generations of credentials until Chromium has nominated the new pair.
    while (host.peerCount > 1) await viewer.stats();
    media.stop();
    const sent = media.sent();
    expect(await viewer.until(({ packetsReceived }) => packetsReceived >= sent)).toMatchObject({
      connectionState: 'connected',
      packetsLost: 0,
      packetsReceived: sent,
    });
    await peer.close('done');
    await viewer.page.close();
  });

  it('hears our goodbye, and we hear the browser’s', async () => {
    const viewer = await ViewerPage.open(browser);
    const first = host.createPeer({ codecs: ['VP8'] });
    await viewer.connect(first);
    await viewer.until(({ connectionState }) => connectionState === 'connected');
    const closed = new Promise((resolve) => {
      first.events.on('state', (state, reason) => {
        if (state === 'closed') resolve(reason);
      });
    });
    await viewer.page.evaluate(() => (window as unknown as { pc: RTCPeerConnection }).pc.close());
    expect(await closed).toBe('the client closed the connection');

    const second = host.createPeer({ codecs: ['VP8'] });
    await viewer.connect(second);
    await viewer.until(({ connectionState }) => connectionState === 'connected');
    await second.close('done');
    await viewer.page.evaluate(async () => {
      const [receiver] = (window as unknown as { pc: RTCPeerConnection }).pc.getReceivers();
      while (receiver!.transport!.state !== 'closed') await new Promise((resolve) => setTimeout(resolve, 10));
    });
    await viewer.page.close();
  });
});
