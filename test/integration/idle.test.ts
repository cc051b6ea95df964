import { expect, it } from 'vitest';
import { openReceiver } from '../support/load-receiver.ts';
import { startPattern } from '../support/pattern-service.ts';

it('a service that the last viewer has left says so, to whoever collects', { timeout: 60_000 }, async () => {
  let idle = 0;
  await using service = await startPattern({ warmIdle: 1, resumeGrace: 0 }, { onIdle: () => (idle += 1) });
  const viewer = await openReceiver(service.url, { prompt: 'bars' });
  expect(service.sessions.size).toBe(1);
  idle = 0;
  await viewer.close();
  await expect.poll(() => idle, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(service.sessions.size).toBe(0);
});
