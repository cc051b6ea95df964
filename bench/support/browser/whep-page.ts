/** A WHEP player in a browser page: nothing but fetch and RTCPeerConnection, as a third party would write it. */
import type { Browser, Page } from 'playwright-core';

/** What the picture looks like now: mean colour of the upper and the lower half, 0–255. */
export interface Look {
  upper: [red: number, green: number, blue: number];
  lower: [red: number, green: number, blue: number];
}

interface PlayerWindow {
  peer: RTCPeerConnection;
  video: HTMLVideoElement;
  frames: number;
}

export class WhepPage {
  readonly page: Page;
  readonly #origin: string;
  #location = '';

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
  }

  static async open(browser: Browser, origin: string): Promise<WhepPage> {
    const page = await browser.newPage();
    await page.goto(`${origin}/healthz`);
    return new WhepPage(page, origin);
  }

  /** Plays until the first frame is presented. `query` is WHEP's: prompt, seed, mode, … */
  async play(query: Record<string, string>): Promise<void> {
    this.#location = await this.page.evaluate(
      async (url) => {
        const peer = new RTCPeerConnection();
        const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
        document.body.append(video);
        Object.assign(window, { peer, video, frames: 0 });
        peer.addTransceiver('video', { direction: 'recvonly' });
        peer.addEventListener('track', ({ streams }) => (video.srcObject = streams[0] ?? null));
        await peer.setLocalDescription();
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/sdp' },
          body: peer.localDescription?.sdp ?? '',
        });
        if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${await response.text()}`);
        await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
        await new Promise<void>((resolve) => {
          const onFrame = () => {
            (window as unknown as PlayerWindow).frames += 1;
            resolve();
            video.requestVideoFrameCallback(onFrame);
          };
          video.requestVideoFrameCallback(onFrame);
        });
        return response.headers.get('location') ?? '';
      },
      `${this.#origin}/whep?${new URLSearchParams(query).toString()}`,
    );
  }

  /** The id in the session's `Location`. */
  get sessionId(): string {
    return this.#location.split('/').at(-1) ?? '';
  }

  async control(message: object): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.#origin}/v1/sessions/${this.sessionId}/control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    });
    return { status: response.status, body: await response.json() };
  }

  async end(): Promise<number> {
    return (await fetch(new URL(this.#location, this.#origin), { method: 'DELETE' })).status;
  }

  frames(): Promise<number> {
    return this.page.evaluate(() => (window as unknown as PlayerWindow).frames);
  }

  look(): Promise<Look> {
    return this.page.evaluate(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
      const context = canvas.getContext('2d');
      if (!context) throw new Error('no canvas');
      context.drawImage((window as unknown as PlayerWindow).video, 0, 0, 32, 32);
      const mean = (top: number): [number, number, number] => {
        const { data } = context.getImageData(0, top, 32, 8);
        const sum: [number, number, number] = [0, 0, 0];
        for (let i = 0; i < data.length; i++) if (i % 4 < 3) sum[(i % 4) as 0 | 1 | 2] += (data[i] ?? 0) / (32 * 8);
        return sum;
      };
      return { upper: mean(2), lower: mean(22) };
    });
  }

  /** Polls until the condition holds; the test's own timeout ends a vain wait. */
  async until(condition: (page: this) => Promise<boolean>): Promise<void> {
    while (!(await condition(this))) await this.page.waitForTimeout(50);
  }
}
