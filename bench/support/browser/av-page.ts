/**
 * A page that watches and hears the test pattern with `--beep`: when each flash is on screen, when each beep is heard,
 * and how long the sound was ever gone. Nothing but fetch, RTCPeerConnection and WebAudio.
 */
import type { Browser, Page } from 'playwright-core';

export interface AvMeasurement {
  /** When each flash was presented, and each beep heard, ms on the page's clock. */
  flashesMs: number[];
  beepsMs: number[];
  /** Longest time without any sound after the first beep, ms. */
  longestGapMs: number;
  /** `jitterBufferDelay` of each kind of medium over all, ms. */
  bufferMs: { audio: number; video: number };
}

export interface AvPageOptions {
  /** Rewrites a candidate of the answer to go through a relay. Default: as it is. */
  route?: (address: string, port: number) => Promise<{ address: string; port: number }>;
}

interface AvWindow {
  peer: RTCPeerConnection;
  av: { flashesMs: number[]; beepsMs: number[]; longestGapMs: number; firstSoundMs: number | undefined };
  glimpseRoute?: (address: string, port: number) => Promise<{ address: string; port: number }>;
}

export class AvPage implements AsyncDisposable {
  readonly page: Page;
  readonly #origin: string;
  #location = '';

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
  }

  /** @param browser launched with the usual flags: they let sound start by itself */
  static async open(browser: Browser, origin: string, { route }: AvPageOptions = {}): Promise<AvPage> {
    const page = await browser.newPage();
    if (route) await page.exposeFunction('glimpseRoute', route);
    await page.goto(`${origin}/healthz`);
    return new AvPage(page, origin);
  }

  /** Connects by WHEP and measures from then on. `query` is WHEP's. */
  async play(query: Record<string, string>): Promise<void> {
    this.#location = await this.page.evaluate(
      watchAndHear,
      `${this.#origin}/whep?${new URLSearchParams(query).toString()}`,
    );
  }

  get sessionId(): string {
    return this.#location.split('/').at(-1) ?? '';
  }

  async measured(): Promise<AvMeasurement> {
    return this.page.evaluate(async () => {
      const { peer, av } = window as unknown as AvWindow;
      const bufferMs = { audio: 0, video: 0 };
      for (const report of (await peer.getStats()).values() as Iterable<RTCInboundRtpStreamStats>) {
        if (report.type !== 'inbound-rtp') continue;
        const { jitterBufferDelay = 0, jitterBufferEmittedCount = 1 } = report;
        bufferMs[report.kind as 'audio' | 'video'] =
          (1_000 * jitterBufferDelay) / Math.max(1, jitterBufferEmittedCount);
      }
      const { flashesMs, beepsMs, longestGapMs } = av;
      return { flashesMs: [...flashesMs], beepsMs: [...beepsMs], longestGapMs, bufferMs };
    });
  }

  /** Polls until the condition holds; the caller's own limit ends a vain wait. */
  async until(condition: (measured: AvMeasurement) => boolean): Promise<AvMeasurement> {
    for (;;) {
      const measured = await this.measured();
      if (condition(measured)) return measured;
      await this.page.waitForTimeout(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

/** Heard minus seen of each pair, ms: positive where the sound is late. Pairs further apart than half a second are none. */
export function avOffsetsMs({ flashesMs, beepsMs }: Pick<AvMeasurement, 'flashesMs' | 'beepsMs'>): number[] {
  return beepsMs.flatMap((beepMs) => {
    const nearest = flashesMs.reduce(
      (best, flashMs) => (Math.abs(flashMs - beepMs) < Math.abs(best - beepMs) ? flashMs : best),
      Infinity,
    );
    return Math.abs(nearest - beepMs) < 500 ? [beepMs - nearest] : [];
  });
}

/** Runs in the page: knows nothing of this module. */
async function watchAndHear(url: string): Promise<string> {
  const BEEP = 0.2;
  const SILENCE = 0.004;
  const context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
  const peer = new RTCPeerConnection();
  const video = Object.assign(document.createElement('video'), { autoplay: true, playsInline: true });
  document.body.append(video);
  const av: AvWindow['av'] = { flashesMs: [], beepsMs: [], longestGapMs: 0, firstSoundMs: undefined };
  Object.assign(window, { peer, video, av });

  const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 16 });
  const picture = canvas.getContext('2d', { willReadFrequently: true })!;
  let lit = false;
  const onFrame: VideoFrameRequestCallback = (_now, { expectedDisplayTime }) => {
    picture.drawImage(video, 0, 0, 16, 16);
    const { data } = picture.getImageData(4, 7, 8, 2);
    let sum = 0;
    for (let index = 1; index < data.length; index += 4) sum += data[index]!;
    const bright = sum / (data.length / 4) > 180;
    if (bright && !lit) av.flashesMs.push(expectedDisplayTime);
    lit = bright;
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  const hear = (stream: MediaStream): void => {
    const source = context.createMediaStreamSource(stream);
    const tap = context.createScriptProcessor(256, 1, 1);
    let quietSamples = Infinity;
    let gapSamples = 0;
    tap.onaudioprocess = ({ inputBuffer, playbackTime }) => {
      const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
      const samples = inputBuffer.getChannelData(0);
      for (let index = 0; index < samples.length; index++) {
        const size = Math.abs(samples[index]!);
        if (size > BEEP && quietSamples > 4_800) {
          const atMs = performanceTime + (playbackTime + index / 48_000 - contextTime) * 1_000;
          av.beepsMs.push(atMs);
        }
        quietSamples = size > BEEP ? 0 : quietSamples + 1;
        gapSamples = size > SILENCE ? 0 : gapSamples + 1;
        if (av.beepsMs.length > 0) av.longestGapMs = Math.max(av.longestGapMs, gapSamples / 48);
      }
    };
    source.connect(tap);
    tap.connect(context.destination);
  };
  peer.addTransceiver('audio', { direction: 'recvonly' });
  peer.addTransceiver('video', { direction: 'recvonly' });
  peer.addEventListener('track', ({ track, streams: [stream] }) => {
    if (!stream) return;
    video.srcObject = stream;
    if (track.kind === 'audio') hear(stream);
  });
  await peer.setLocalDescription();
  const headers = { 'content-type': 'application/sdp' };
  const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription?.sdp ?? '' });
  if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${await response.text()}`);
  let sdp = await response.text();
  const { glimpseRoute } = window as unknown as AvWindow;
  const [candidate, address = '', port = ''] = /^a=candidate:.* udp \d+ (\S+) (\d+) typ host/m.exec(sdp) ?? [];
  if (glimpseRoute && candidate !== undefined) {
    const relay = await glimpseRoute(address, Number(port));
    const moved = candidate.replace(`${address} ${port}`, `${relay.address} ${relay.port}`);
    sdp = sdp
      .replaceAll(/^a=candidate:.*\r\n/gm, '')
      .replaceAll(/^a=end-of-candidates/gm, `${moved}\r\na=end-of-candidates`);
  }
  await peer.setRemoteDescription({ type: 'answer', sdp });
  await context.resume();
  return response.headers.get('location') ?? '';
}
