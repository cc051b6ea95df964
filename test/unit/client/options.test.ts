import { describe, expect, it } from 'vitest';
import { generationRequest as schema } from '../../../signaling/protocol.ts';
import { generationRequest, serverUrl, signalUrl, subprotocols } from '../../../src/client/options.ts';

describe('options', () => {
  it('finds the signal address of a server', () => {
    expect(String(signalUrl({ url: 'http://127.0.0.1:8080' }))).toBe('ws://127.0.0.1:8080/signal');
    expect(String(signalUrl({ url: 'https://host/glimpse/?prompt=x#y' }))).toBe('wss://host/glimpse/signal');
    expect(String(signalUrl({ url: 'wss://host/a/signal' }))).toBe('wss://host/a/signal');
  });

  it.each([
    ['https://host/glimpse', 'https://host/glimpse/'],
    ['https://host/glimpse/', 'https://host/glimpse/'],
    ['https://host/a/glimpse?x=1#y', 'https://host/a/glimpse/'],
    ['https://host/v1.2', 'https://host/v1.2/'],
    ['https://host/glimpse/index.html', 'https://host/glimpse/'],
    ['https://host/glimpse/signal', 'https://host/glimpse/'],
    ['https://host', 'https://host/'],
  ])('takes the path of %s as the server’s own', (url, folder) => {
    expect(String(serverUrl({ url }))).toBe(folder);
    expect(String(signalUrl({ url }))).toBe(`${folder.replace('https', 'wss')}signal`);
  });

  it('brings a token as a subprotocol, never in the address', async () => {
    expect(await subprotocols({ token: 'a.b.c' })).toEqual(['glimpse.v1', 'glimpse.token.a.b.c']);
    expect(await subprotocols({ token: async () => 'd.e.f' })).toEqual(['glimpse.v1', 'glimpse.token.d.e.f']);
    expect(await subprotocols({})).toEqual([]);
  });

  it('makes a request that the protocol takes', () => {
    const request = generationRequest({ prompt: '', mode: 'clip', seconds: 3, seed: 7, tierCap: 'base' }, 'a ball');
    expect(schema.parse(request)).toEqual({ prompt: 'a ball', mode: 'clip', seconds: 3, seed: 7, tierCap: 'base' });
  });
});
