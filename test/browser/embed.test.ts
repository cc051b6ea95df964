import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PageFixture, becomes, rtpTimestamp, text } from '../support/page-fixture.ts';

const fixture = new PageFixture();

describe('the embedded example', () => {
  it('leaves an error to be read while frames keep the status changing', async () => {
    await copyFile('examples/embed.html', join(fixture.pageDir, 'embed.html'));
    const page = await fixture.open(`embed.html?server=${fixture.server.url.slice(0, -1)}`);
    fixture.server.script = (message, reply) => {
      if (message.type !== 'prompt') return false;
      reply({ type: 'error', id: message.id, code: 'PROMPT_EMPTY', message: 'Say something.', retryable: false });
      return true;
    };
    fixture.server.send({
      type: 'playing',
      revision: 1,
      widthPx: 128,
      heightPx: 128,
      slice: 0,
      tier: 'draft',
      rtpTimestamp: await rtpTimestamp(page),
    });
    await becomes(() => text(page, '[role=status]'), 'on screen: draft');
    await page.fill('input', '');
    await page.press('input', 'Enter');
    await becomes(() => text(page, '[role=alert]'), 'Say something.');
    await rtpTimestamp(page);
    expect(await text(page, '[role=alert]')).toBe('Say something.');
    expect(await text(page, '[role=status]')).toBe('on screen: draft');
  });
});
