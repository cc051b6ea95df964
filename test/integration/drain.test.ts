/** SIGTERM, as a service manager sends it to the command that a user runs. */
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../../signaling/protocol.ts';
import { Served } from '../../bench/load/served.ts';
import { offerSdp } from '../support/offer-sdp.ts';

/** Collects what a `/signal` socket hears until it closes. */
function listen(url: string): { socket: WebSocket; heard: ServerMessage[]; closed: Promise<unknown> } {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/signal`);
  const heard: ServerMessage[] = [];
  socket.on('message', (data) => heard.push(JSON.parse((data as Buffer).toString()) as ServerMessage));
  return { socket, heard, closed: new Promise((resolve) => socket.once('close', resolve)) };
}

describe('SIGTERM', () => {
  it('tells viewers and bystanders when to try again, and exits with 0', async () => {
    const served = await Served.start(['--generator', 'pattern']);
    const viewer = listen(served.url);
    const bystander = listen(served.url);
    await expect.poll(() => viewer.heard.at(0)?.type).toBe('welcome');
    viewer.socket.send(JSON.stringify({ type: 'offer', id: 1, sdp: offerSdp(), request: { prompt: 'bars' } }));
    await expect.poll(() => viewer.heard.map(({ type }) => type)).toContain('accepted');
    await expect.poll(() => bystander.heard.at(0)?.type).toBe('welcome');

    expect(await served.stop()).toBe(0);
    await Promise.all([viewer.closed, bystander.closed]);
    expect(viewer.heard.find(({ type }) => type === 'bye')).toEqual({
      type: 'bye',
      reason: 'server-closing',
      retryAfterMs: 1_000,
    });
    expect(bystander.heard.at(-1)).toMatchObject({ type: 'bye', retryAfterMs: 1_000 });
    expect(served.complaints).toEqual([]);
  });
});
