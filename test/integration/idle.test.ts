import { expect, it } from 'vitest';
import { openReceiver } from '../../bench/support/wire/load-receiver.ts';
import { startPattern } from '../support/pattern-service.ts';

it('a service that the last viewer has left says so, to whoever collects', async () => {
  let idle = 0;
  await using service = await startPattern({ warmIdle: 1, resumeGrace: 0 }, { onIdle: () => (idle += 1) });
  const viewer = await openReceiver(service.url, { prompt: 'bars' });
  expect(service.sessions.size).toBe(1);
  idle = 0;
  await viewer.close();
  await expect.poll(() => idle).toBeGreaterThan(0);
  expect(service.sessions.size).toBe(0);
});
