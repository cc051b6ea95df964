/** A stock Firefox without a driver: it opens a page that the test serves, and the page sends back what it sees. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { findTool } from '../../scripts/tool-path.ts';

export const firefoxPath = findTool('firefox-esr');

/** Nothing but what keeps a fresh profile from calling home; ICE as it comes. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

export class FirefoxPage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #reports: unknown[];

  private constructor(stack: AsyncDisposableStack, reports: unknown[]) {
    this.#stack = stack;
    this.#reports = reports;
  }

  /** What the page has sent with `report(value)`, in order. */
  get reports(): readonly unknown[] {
    return this.#reports;
  }

  /** @param script runs in the page, where `report(value)` is */
  static async open(script: string): Promise<FirefoxPage> {
    if (firefoxPath === undefined) throw new Error('no firefox-esr: run `node scripts/find-test-tools.ts --install`');
    await using stack = new AsyncDisposableStack();
    const reports: unknown[] = [];
    const server = createServer(async (request, response) => {
      if (request.method === 'POST') reports.push(JSON.parse(await text(request)));
      const page = request.url === '/' ? `<!doctype html><script>${REPORT}${script}</script>` : '';
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    const profile = await mkdtemp(join(tmpdir(), 'firefox-'));
    stack.defer(() => rm(profile, { recursive: true, maxRetries: 5 }));
    const lines = Object.entries(PREFERENCES).map(([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});`);
    await writeFile(join(profile, 'user.js'), lines.join('\n'));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const child = spawn(firefoxPath, ['--headless', '--no-remote', '--profile', profile, url], {
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, HOME: profile, TMPDIR: profile },
    });
    const exited = once(child, 'exit');
    stack.defer(async () => {
      // With its content processes, which outlive it otherwise.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await exited;
    });
    return new FirefoxPage(stack.move(), reports);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const REPORT = `
  const report = (value) => fetch('/', { method: 'POST', body: JSON.stringify(value) });
  addEventListener('error', ({ message }) => report({ error: message }));
  addEventListener('unhandledrejection', ({ reason }) => report({ error: String(reason) }));
`;
