/** The same way as in Chromium, in the other engine, which uses no loopback address and leaves out RTP extensions. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService } from '../../src/service.ts';
import { eventually } from '../support/eventually.ts';
import { FirefoxPage, firefoxPath } from '../support/firefox.ts';
import { startPattern } from '../support/pattern-service.ts';
import { bundledSdk } from '../../bench/support/browser/sdk-bundle.ts';

/** Draws frames as they are presented and says of each which slice and tier it is, and how bright. */
const watch = (url: string) => `
  const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
  document.documentElement.append(video);
  const canvas = new OffscreenCanvas(8, 8).getContext('2d');
  const brightness = () => {
    canvas.drawImage(video, 0, 0, 8, 8);
    const { data } = canvas.getImageData(0, 0, 8, 8);
    return data.reduce((sum, value, index) => (index % 4 === 3 ? sum : sum + value), 0) / 192;
  };
  glimpse.connect({ url: '${url}', prompt: 'the sea at night', seed: 3 }).then((live) => {
    video.srcObject = live.stream;
    let steered = false;
    live.onFrame(video, ({ playing, widthPx }) => {
      if (!playing) return;
      report({ revision: playing.revision, tier: playing.tier, widthPx, brightness: brightness() });
      if (steered || playing.tier === 'draft') return;
      steered = true;
      live.setPrompt('the desert by day', { seed: 3 });
    });
  });
`;

interface Frame {
  error?: string;
  revision: number;
  tier: string;
  widthPx: number;
  brightness: number;
}

describe.skipIf(firefoxPath === undefined)('a prompt becomes a moving picture in Firefox', () => {
  // A browser with a new profile takes seconds to start, and more beside other tests.
  it('tier by tier, named on each frame, and follows a new prompt', async () => {
    const flags = { port: 0, logLevel: 'silent', calibrate: 'never' };
    const service = await startService(loadConfig({ flags, environment: {} }), { log: silentLog });
    await service.ready;
    try {
      await using page = await FirefoxPage.open((await bundledSdk()) + watch(service.url));
      const frames = page.reports as Frame[];
      const finished = (revision: number) =>
        frames.filter((frame) => frame.revision === revision && frame.tier !== 'draft');
      await eventually(() => expect(finished(1).length).toBeGreaterThan(3));
      expect(frames.filter(({ error }) => error !== undefined)).toEqual([]);
      // The last frame of the night may be drawn when the day has come.
      const [night, day] = [finished(0)[0], finished(1).at(-1)];
      expect(day!.brightness).toBeGreaterThan(night!.brightness * 1.5);
      expect(day!.widthPx).toBeGreaterThanOrEqual(128);
    } finally {
      await service.close('test over');
    }
  });
});

/** Loads itself again as soon as it is live, twice. */
const reload = (url: string) => `
  glimpse.connect({ url: '${url}', prompt: 'the sea' }).then(
    async (live) => {
      const loads = Number(sessionStorage.loads ?? 0) + 1;
      sessionStorage.loads = loads;
      await report({ live: loads });
      if (loads < 3) location.reload();
    },
    ({ code }) => report({ error: code }),
  );
`;

describe.skipIf(firefoxPath === undefined)('a page that is loaded again in Firefox', () => {
  it('leaves no session behind that would lock its user out', async () => {
    const flags = { generator: 'pattern', size: '64x64', maxSessionsPerUser: 1 };
    await using service = await startPattern(flags);
    await using page = await FirefoxPage.open((await bundledSdk()) + reload(service.url));
    await eventually(() => expect(page.reports.length).toBe(3));
    expect(page.reports).toEqual([{ live: 1 }, { live: 2 }, { live: 3 }]);
    expect(service.sessions.size).toBe(1);
  });
});
