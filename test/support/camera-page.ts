/** A page whose camera and microphone are Chromium's fake devices, sending on a peer connection. */
import type { Browser, Page } from 'playwright-core';
import type { Peer } from '../../src/transport/peer/contract.ts';

export interface CameraOptions {
  /** Default `VP8`. */
  codec?: 'VP8' | 'H264';
  microphone?: boolean;
  /** `sendrecv`: in the section that it also receives in. Default `sendonly`. */
  direction?: RTCRtpTransceiverDirection;
  /** Default 640 by 360. */
  widthPx?: number;
  heightPx?: number;
}

/** Ends what waits in vain. */
const GIVE_UP_MS = 120_000;

interface CameraWindow {
  pc: RTCPeerConnection;
}

/** From `RTCOutboundRtpStreamStats` of the video, and the estimate of the selected pair. */
export interface CameraStats {
  framesEncoded: number;
  nackCount: number;
  pliCount: number;
  availableOutgoingBitrate: number;
  roundTripTime: number;
}

export class CameraPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** @param origin a page of a secure context: cameras exist nowhere else */
  static async open(browser: Browser, origin: string): Promise<CameraPage> {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    page.setDefaultTimeout(GIVE_UP_MS);
    await page.goto(origin);
    return new CameraPage(page);
  }

  /** The offer of a new connection that sends the camera. */
  async offer(options: CameraOptions = {}): Promise<string> {
    return this.page.evaluate(
      async ({ codec = 'VP8', microphone = false, direction = 'sendonly', widthPx = 640, heightPx = 360 }) => {
        const media = await navigator.mediaDevices.getUserMedia({
          video: { width: { exact: widthPx }, height: { exact: heightPx } },
          audio: microphone,
        });
        const pc = new RTCPeerConnection();
        Object.assign(window, { pc, media });
        const transceiver = pc.addTransceiver(media.getVideoTracks()[0]!, { direction, streams: [media] });
        const all = RTCRtpReceiver.getCapabilities('video')!.codecs;
        const chosen = all.filter(({ mimeType }) => [`video/${codec}`, 'video/rtx'].includes(mimeType));
        transceiver.setCodecPreferences(chosen);
        for (const track of media.getAudioTracks()) pc.addTransceiver(track, { direction: 'sendonly' });
        await pc.setLocalDescription();
        return pc.localDescription!.sdp;
      },
      options,
    );
  }

  async accept(answer: string): Promise<void> {
    await this.page.evaluate(async (sdp) => {
      const { pc } = window as unknown as CameraWindow;
      await pc.setRemoteDescription({ type: 'answer', sdp });
    }, answer);
  }

  async connect(peer: Peer, options: CameraOptions = {}): Promise<void> {
    await this.accept(await peer.answer(await this.offer(options)));
  }

  async stats(): Promise<CameraStats> {
    return this.page.evaluate(async () => {
      const { pc } = window as unknown as CameraWindow;
      const stats = { framesEncoded: 0, nackCount: 0, pliCount: 0, availableOutgoingBitrate: 0, roundTripTime: 0 };
      for (const report of (await pc.getStats()).values()) {
        if (report.type === 'outbound-rtp' && report.kind === 'video') {
          const { framesEncoded, nackCount, pliCount } = report;
          Object.assign(stats, { framesEncoded, nackCount, pliCount });
        }
        if (report.type === 'remote-inbound-rtp' && report.kind === 'video')
          stats.roundTripTime = report.roundTripTime ?? 0;
        if (report.type === 'candidate-pair' && report.nominated)
          stats.availableOutgoingBitrate = report.availableOutgoingBitrate ?? 0;
      }
      return stats;
    });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
