import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startFixture } from '../support/signaling-fixture.ts';

describe('startSignaling', () => {
  it('says CONFIG_INVALID when the port is in use', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => void holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    await expect(startFixture({ port })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await new Promise((resolve) => void holder.close(resolve));
  });

  it('says CONFIG_INVALID when the address is not of this machine', async () => {
    await expect(startFixture({ host: '203.0.113.1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('ends sockets with bye when it closes, once, and leaves the sessions to their registry', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    await Promise.all([fixture.server.close('maintenance'), fixture.server.close()]);
    expect(await client.next('bye')).toMatchObject({ reason: 'maintenance', retryAfterMs: 1_000 });
    expect(await client.closed).toBe(1001);
    expect(fixture.registry.size).toBe(1);
    await expect(fetch(fixture.url)).rejects.toThrow();
  });

  it('closes although a viewer does not read', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    client.socket.pause();
    await fixture.server.close();
    await expect(fetch(fixture.url)).rejects.toThrow();
    client.socket.terminate();
  });

  it('terminates a socket that stopped answering pings', async () => {
    await using fixture = await startFixture({ pingIntervalMs: 20 });
    const dead = await fixture.connect({ autoPong: false });
    expect(await dead.closed).toBe(1006);
  });

  it('keeps a socket that answers pings', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    await using fixture = await startFixture({ pingIntervalMs: 20 });
    const client = await fixture.connect();
    await client.offer();
    for (let id = 1; id <= 4; id++) {
      const ping = new Promise((resolve) => void client.socket.once('ping', resolve));
      vi.advanceTimersByTime(20);
      await ping;
      // Its answer comes after the pong.
      client.send({ type: 'pause', id });
      expect(await client.next('accepted')).toMatchObject({ id });
    }
  });

  it('upgrades nothing but /signal', async () => {
    await using fixture = await startFixture();
    const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/elsewhere`);
    const error = await new Promise<Error>((resolve) => void socket.on('error', resolve));
    expect(error.message).toContain('404');
  });
});
