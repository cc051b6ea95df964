/** The browser SDK, bundled as a product would, in a page of its own: for tests of connections the demo page never makes. */
import type { Browser, Page } from 'playwright-core';
import type { ConnectOptions, Live } from '../../../src/client/index.ts';
import { bundledSdk } from './sdk-bundle.ts';

interface SdkWindow {
  glimpse: { connect(options: ConnectOptions): Promise<Live> };
  live: Live;
  video: HTMLVideoElement;
}

export class SdkPage implements AsyncDisposable {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** A page at `url` (a service's own address) with the SDK as `glimpse` and a playing video element. */
  static async open(browser: Browser, url: string): Promise<SdkPage> {
    const page = await browser.newPage();
    await page.goto(`${url}/healthz`);
    await page.addScriptTag({ content: await bundledSdk() });
    return new SdkPage(page);
  }

  /** Connects and shows the stream. Rejects as `connect` does. */
  async connect(options: Omit<ConnectOptions, 'signal'>): Promise<void> {
    await this.page.evaluate(async (given) => {
      const sdk = window as unknown as SdkWindow;
      sdk.live = await sdk.glimpse.connect({ url: location.origin, ...(given as ConnectOptions) });
      sdk.video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
      sdk.video.srcObject = sdk.live.stream;
      document.body.append(sdk.video);
    }, options as object);
  }

  /** From now on every WebSocket that the page opens is in `window.sockets`. */
  async rememberSockets(): Promise<void> {
    await this.page.evaluate(() => {
      const sockets: WebSocket[] = [];
      Object.assign(window, { sockets });
      const Original = WebSocket;
      window.WebSocket = class extends Original {
        constructor(...given: ConstructorParameters<typeof WebSocket>) {
          super(...given);
          sockets.push(this);
        }
      };
    });
  }

  state(): Promise<string> {
    return this.page.evaluate(() => (window as unknown as SdkWindow).live.state);
  }

  /** Of the session that the stream has now. */
  sessionId(): Promise<string | undefined> {
    return this.page.evaluate(() => (window as unknown as SdkWindow).live.sessionId);
  }

  /** Frames that the video element has shown. */
  frames(): Promise<number> {
    return this.page.evaluate(() => (window as unknown as SdkWindow).video.getVideoPlaybackQuality().totalVideoFrames);
  }

  async untilFrames(count: number): Promise<void> {
    while ((await this.frames()) < count) await this.page.waitForTimeout(50);
  }

  /** `candidateType` and `protocol` of both ends of the pair in use. */
  pathInUse(): Promise<{ local: string; remote: string; relayProtocol: string | undefined; protocol: string }> {
    return this.page.evaluate(async () => {
      const report = await (window as unknown as SdkWindow).live.peerStats();
      const entries = [...(report?.values() ?? [])] as (Record<string, string> & { type: string })[];
      const transport = entries.find(({ type }) => type === 'transport');
      const pair = entries.find(({ id }) => id === transport?.['selectedCandidatePairId']);
      const find = (id: string | undefined) => entries.find((entry) => entry['id'] === id);
      const local = find(pair?.['localCandidateId']);
      const remote = find(pair?.['remoteCandidateId']);
      return {
        local: local?.['candidateType'] ?? '',
        remote: remote?.['candidateType'] ?? '',
        relayProtocol: local?.['relayProtocol'],
        protocol: local?.['protocol'] ?? '',
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.evaluate(() => (window as unknown as Partial<SdkWindow>).live?.close()).catch(() => {});
    await this.page.close();
  }
}
