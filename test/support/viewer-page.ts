/** A viewer in a browser page: a recvonly peer connection that answers questions about what it received. */
import type { Browser, Page } from 'playwright-core';
import type { Peer } from '../../src/transport/peer/contract.ts';

export interface ViewerOptions {
  /** Offers an audio section before the video, as WHEP players do. */
  audioFirst?: boolean;
  /** Opens the data channel `control`. */
  control?: boolean;
  /** Forgets the UDP candidates of the answer, as a network does that lets no UDP out. */
  onlyTcp?: boolean;
}

/** From `RTCInboundRtpStreamStats`, summed over what the page receives. */
export interface ViewerStats {
  packetsReceived: number;
  packetsLost: number;
  framesDecoded: number;
  connectionState: string;
}

interface ViewerWindow {
  pc: RTCPeerConnection;
  channel: RTCDataChannel | undefined;
  texts: string[];
  tracks: MediaStreamTrack[];
}

export class ViewerPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser): Promise<ViewerPage> {
    const page = await browser.newPage();
    await page.goto('about:blank');
    return new ViewerPage(page);
  }

  /** Makes the connection and exchanges offer and answer with `peer`. */
  async connect(
    peer: Peer,
    { audioFirst = false, control = false, onlyTcp = false }: ViewerOptions = {},
  ): Promise<void> {
    const offer = await this.page.evaluate(
      async (options) => {
        const pc = new RTCPeerConnection();
        const viewer = window as unknown as ViewerWindow;
        Object.assign(viewer, { pc, texts: [], tracks: [] });
        pc.addEventListener('track', ({ track, streams }) => {
          viewer.tracks.push(track);
          const video = document.createElement('video');
          Object.assign(video, { muted: true, autoplay: true, srcObject: streams[0] });
          document.body.append(video);
        });
        if (options.audioFirst) pc.addTransceiver('audio', { direction: 'recvonly' });
        pc.addTransceiver('video', { direction: 'recvonly' });
        if (options.control) {
          viewer.channel = pc.createDataChannel('control');
          viewer.channel.addEventListener('message', ({ data }) => viewer.texts.push(String(data)));
        }
        await pc.setLocalDescription();
        return pc.localDescription!.sdp;
      },
      { audioFirst, control },
    );
    const answer = await peer.answer(offer);
    await this.#accept(onlyTcp ? answer.replaceAll(/^a=candidate:.* udp .*\r\n/gm, '') : answer);
  }

  /** ICE restart begun by the browser. */
  async restartIce(peer: Peer): Promise<void> {
    const offer = await this.page.evaluate(async () => {
      const { pc } = window as unknown as ViewerWindow;
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
      return pc.localDescription!.sdp;
    });
    await this.#accept(await peer.answer(offer));
  }

  async stats(): Promise<ViewerStats> {
    return this.page.evaluate(async () => {
      const { pc } = window as unknown as ViewerWindow;
      const sum = { packetsReceived: 0, packetsLost: 0, framesDecoded: 0, connectionState: pc.connectionState };
      for (const report of (await pc.getStats()).values() as Iterable<RTCInboundRtpStreamStats>) {
        if (report.type !== 'inbound-rtp') continue;
        sum.packetsReceived += report.packetsReceived ?? 0;
        sum.packetsLost += report.packetsLost ?? 0;
        sum.framesDecoded += report.framesDecoded ?? 0;
      }
      return sum;
    });
  }

  /** Resolves when the stats satisfy `condition`; a test that waits in vain runs into its own timeout. */
  async until(condition: (stats: ViewerStats) => boolean): Promise<ViewerStats> {
    for (;;) {
      const stats = await this.stats();
      if (condition(stats)) return stats;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }

  async #accept(answer: string): Promise<void> {
    await this.page.evaluate(async (sdp) => {
      await (window as unknown as ViewerWindow).pc.setRemoteDescription({ type: 'answer', sdp });
    }, answer);
  }
}
