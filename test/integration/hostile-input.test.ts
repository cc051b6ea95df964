/** Thousands of messages and offers that no browser sends: each is refused with a code, and nothing is left of any. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { malformedMessages, mutatedOffers } from '../../bench/security/hostile-input.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import type { Service } from '../../src/service.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { codeOf, dial, offerSdp, postWhep, startPattern } from '../support/pattern-service.ts';

const SEED = 1;
const OFFER = readFileSync(join(import.meta.dirname, '../../bench/support/wire/chromium-offer.sdp'), 'utf8');
/** Without rates: they would refuse most of it unread. */
const UNLIMITED = { messagesPerSecond: 10_000, creationsPerMinute: 100_000, abuseScore: 0, maxSessions: 100 };
const unhandled: unknown[] = [];
const remember = (error: unknown) => void unhandled.push(error);

let service: Service;
beforeAll(async () => {
  process.on('unhandledRejection', remember);
  process.on('uncaughtException', remember);
  service = await startPattern(UNLIMITED);
});
afterAll(async () => {
  await service.close('the test is over');
  process.off('unhandledRejection', remember);
  process.off('uncaughtException', remember);
  expect(unhandled).toEqual([]);
});

async function sessionsStarted(): Promise<number> {
  const { text } = await service.metrics.exposition();
  return Number(/^glimpse_sessions_started_total (\d+)$/m.exec(text)?.[1]);
}

describe('hostile input', () => {
  it('of 10,000 malformed messages gets 10,000 codes, and the next offer is answered', async () => {
    const before = takeHoldings();
    const client = dial(service);
    await client.next('welcome');
    for (const message of malformedMessages(10_000, SEED)) {
      client.socket.send(message);
      const { code, message: words } = await client.next('error');
      expect(ERROR_CODES).toHaveProperty(code);
      expect(['INTERNAL', 'RATE_LIMITED'], words).not.toContain(code);
    }
    await client.offer();
    client.send({ type: 'bye' });
    await client.closed;
    expect([service.sessions.size, service.peers.peerCount]).toEqual([0, 0]);
    await expectNoLeaks(before);
  });

  it('of 2,000 mutated offers gets answers or codes, makes sessions only for those it answers, and leaves none', async () => {
    await (await postWhep(service, 'first', {})).text();
    const before = takeHoldings();
    const outcomes = new Map<string, number>();
    const startedBefore = await sessionsStarted();
    for (const sdp of mutatedOffers(OFFER, 2_000, SEED)) {
      const response = await postWhep(service, sdp);
      const outcome = response.status === 201 ? 'answered' : await codeOf(response);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (response.status !== 201) continue;
      await response.text();
      await fetch(new URL(response.headers.get('Location') ?? '', `${service.url}/whep`), { method: 'DELETE' });
    }
    expect((await sessionsStarted()) - startedBefore).toBe(outcomes.get('answered'));
    expect([...outcomes.keys()].toSorted()).toEqual(['CODEC_UNSUPPORTED', 'SDP_INVALID', 'SDP_TOO_LARGE', 'answered']);
    expect([service.sessions.size, service.peers.peerCount]).toEqual([0, 0]);
    await expectNoLeaks(before);
    const good = await postWhep(service, offerSdp());
    expect(good.status).toBe(201);
  });
});
