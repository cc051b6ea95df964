/** Clients and a proxy that no one here wrote, as they come from npm and Debian. */
import { PeerConnection, Video } from 'node-datachannel';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasAiortc, watchWithAiortc } from '../support/aiortc.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { nginxPath, startNginx } from '../support/nginx.ts';
import { startPattern } from '../support/pattern-service.ts';
import { bundledPlayer } from '../support/player-bundle.ts';
import { SdkPage } from '../../bench/support/browser/sdk-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

interface PlayerWindow {
  whep: { WHEPClient: new () => { view(peer: RTCPeerConnection, url: string): Promise<void>; stop(): Promise<void> } };
  player: InstanceType<PlayerWindow['whep']['WHEPClient']>;
  peer: RTCPeerConnection;
}

/** Watches with `whip-whep`; resolves when video arrives. @returns every answer it got, and what ends it */
async function watchWithPlayer(whepUrl: string, pageUrl: string) {
  const page = await browser.newPage();
  const answers: [method: string, status: number][] = [];
  page.on('response', (response) => {
    if (response.url().includes('/whep')) answers.push([response.request().method(), response.status()]);
  });
  await page.goto(pageUrl);
  await page.addScriptTag({ content: await bundledPlayer() });
  await page.evaluate(async (url) => {
    const own = window as unknown as PlayerWindow;
    own.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    own.peer.addTransceiver('video', { direction: 'recvonly' });
    own.player = new own.whep.WHEPClient();
    await own.player.view(own.peer, url);
  }, whepUrl);
  const packets = () =>
    page.evaluate(async () => {
      const stats = await (window as unknown as PlayerWindow).peer.getStats();
      const inbound = [...stats.values()].find(({ type }) => type === 'inbound-rtp') as { packetsReceived?: number };
      return inbound?.packetsReceived ?? 0;
    });
  await eventually(async () => expect(await packets()).toBeGreaterThan(20));
  const stop = async () => {
    await page.evaluate(() => (window as unknown as PlayerWindow).player.stop());
    await page.close();
  };
  return { answers, stop };
}

/** The player closes its peer connection first, which ends the session: its DELETE may come to one that is gone. */
const refused = (answers: [method: string, status: number][]) =>
  answers.filter(([method, status]) => status >= 400 && !(method === 'DELETE' && status === 404));

describe('the WHEP player of npm, whip-whep', () => {
  it('watches, trickles without an If-Match, and ends its session', async () => {
    await using service = await startPattern();
    const { answers, stop } = await watchWithPlayer(`${service.url}/whep?prompt=sea`, `${service.url}/healthz`);
    await eventually(() => expect(answers).toContainEqual(['PATCH', 204]));
    expect(service.sessions.size).toBe(1);
    await stop();
    await eventually(() => expect(service.sessions.size).toBe(0));
    expect(refused(answers)).toEqual([]);
  });
});

describe.skipIf(nginxPath === undefined)('below a path behind nginx', () => {
  it('a WHEP player watches, trickles and ends its session', async () => {
    await using service = await startPattern();
    await using proxy = await startNginx(service.url);
    const below = `${proxy.url}/glimpse`;
    const { answers, stop } = await watchWithPlayer(`${below}/whep?prompt=sea`, `${below}/healthz`);
    await eventually(() => expect(answers).toContainEqual(['PATCH', 204]));
    await stop();
    await eventually(() => expect(service.sessions.size).toBe(0));
    expect(refused(answers)).toEqual([]);
  });

  it('the SDK connects to an address without a slash at its end', async () => {
    await using service = await startPattern();
    await using proxy = await startNginx(service.url);
    await using page = await SdkPage.open(browser, `${proxy.url}/glimpse`);
    await page.connect({ url: `${proxy.url}/glimpse`, prompt: 'sea' });
    expect(await page.state()).toBe('live');
    expect(service.sessions.size).toBe(1);
  });
});

describe('libdatachannel, as node-datachannel', () => {
  it('watches by WHEP', async () => {
    await using service = await startPattern();
    const peer = new PeerConnection('viewer', { iceServers: [] });
    const video = new Video('0', 'RecvOnly');
    video.addVP8Codec(96);
    const track = peer.addTrack(video);
    let packets = 0;
    track.onMessage(() => void (packets += 1));
    const gathered = new Promise<void>((resolve) =>
      peer.onGatheringStateChange((state) => {
        if (state === 'complete') resolve();
      }),
    );
    peer.setLocalDescription();
    await gathered;
    const url = `${service.url}/whep?prompt=sea`;
    const headers = { 'Content-Type': 'application/sdp' };
    const answer = await fetch(url, { method: 'POST', headers, body: peer.localDescription()?.sdp ?? '' });
    expect(answer.status).toBe(201);
    peer.setRemoteDescription(await answer.text(), 'answer');
    await eventually(() => expect(packets).toBeGreaterThan(20));
    const session = new URL(answer.headers.get('Location') ?? '', url);
    expect((await fetch(session, { method: 'DELETE' })).status).toBe(200);
    peer.close();
    await eventually(() => expect(service.sessions.size).toBe(0));
  });
});

describe.skipIf(!hasAiortc)('aiortc', () => {
  it('watches by WHEP, and ends its session', async () => {
    await using service = await startPattern();
    expect(await watchWithAiortc(`${service.url}/whep?prompt=sea`)).toEqual(['frames 20', 'deleted 200']);
    expect(service.sessions.size).toBe(0);
  });
});
