/** Offers that browsers and players make, and that other stacks take: each is answered. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { postWhep, startPattern } from '../support/pattern-service.ts';

const OFFERS = join(import.meta.dirname, '../fixtures/offers');

describe('an offer that is odd', () => {
  it.each(readdirSync(OFFERS))('%s is answered over WHEP', async (name) => {
    await using service = await startPattern();
    const response = await postWhep(service, readFileSync(join(OFFERS, name), 'utf8'));
    const answer = await response.text();
    expect([response.status, answer]).toEqual([201, expect.stringMatching(/^v=0/)]);
    // Nothing that was not offered (RFC 5506 section 5), and the protocol by the name it was offered under (RFC 3264).
    expect(answer).not.toMatch(name.startsWith('h264') ? /a=fmtp/ : /a=rtcp-rsize/);
    if (name.startsWith('rtp-savpf')) expect(answer).toMatch(/^m=video \d+ RTP\/SAVPF /m);
  });
});
