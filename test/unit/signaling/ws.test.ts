import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { AccessOptions } from '../../../signaling/access/access.ts';
import type { ServerMessage } from '../../../signaling/protocol.ts';
import { SignalConnection } from '../../../signaling/socket/ws.ts';
import type { SignalSocket } from '../../../signaling/socket/outbox.ts';
import { LIMITS } from '../../../src/limits.ts';
import { ErrorLog } from '../../../src/error-log.ts';
import { silentLog } from '../../../src/log.ts';
import { Metrics } from '../../../src/metrics/metrics.ts';
import { FakeRegistry, STATS } from '../../support/fake-registry.ts';
import { SOMEBODY, openGate } from '../../support/gate.ts';
import { offerSdp } from '../../support/offer-sdp.ts';

/** A socket that takes everything at once, or, with a backlog, nothing. */
class MemorySocket implements SignalSocket {
  bufferedAmount = 0;
  terminated = false;
  readonly sent: ServerMessage[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  terminate(): void {
    this.terminated = true;
  }
}

function connection(options: AccessOptions = {}) {
  const socket = new MemorySocket();
  const registry = new FakeRegistry();
  const context = {
    gate: openGate(registry, options),
    welcome: () => ({ type: 'bye', reason: 'stands for the welcome' }) as const,
    owners: new Map(),
    metrics: new Metrics({ processMetrics: false }),
    log: silentLog,
    errors: new ErrorLog(silentLog),
  };
  const subject = new SignalConnection(socket, context, SOMEBODY);
  const receive = (message: object) => subject.receive(Buffer.from(JSON.stringify(message)), false);
  return { socket, registry, subject, receive };
}

/** Admission takes a few turns of the event loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await turnOfLoop();
}
const OFFER = { type: 'offer', sdp: offerSdp(), request: { prompt: 'a red ball' } };

describe('SignalConnection', () => {
  it('drops a reader whose backlog passes the limit, and keeps its session', async () => {
    const { socket, registry, receive } = connection();
    receive(OFFER);
    await settled();
    socket.bufferedAmount = LIMITS.socketBacklogMaxBytes + 1;
    registry.latest.events.emit('stats', STATS);
    expect(socket.terminated).toBe(true);
    const { length } = socket.sent;
    registry.latest.events.emit('stats', STATS);
    expect(socket.sent).toHaveLength(length);
    expect(registry.size).toBe(1);
  });

  it('refuses messages past those that may wait, with a code and the id of what it refused', async () => {
    const { socket, registry, receive } = connection();
    const gate = Promise.withResolvers<void>();
    registry.onCreate = (session) => void (session.gate = gate.promise);
    receive(OFFER);
    for (let count = 0; count < LIMITS.messagesPendingMax; count++) receive({ type: 'pause', id: count });
    const id = LIMITS.messagesPendingMax - 1;
    const refusals = () => socket.sent.filter((message) => message.type === 'error' && message.code === 'RATE_LIMITED');
    expect(refusals()).toMatchObject([{ id }]);
    gate.resolve();
    await settled();
    expect(refusals()).toHaveLength(1);
  });

  it('hears nothing of its session once the socket is gone', async () => {
    const { socket, registry, subject, receive } = connection();
    receive(OFFER);
    await settled();
    subject.closed();
    registry.latest.events.emit('stats', STATS);
    expect(socket.sent.some((message) => message.type === 'stats')).toBe(false);
  });
});
