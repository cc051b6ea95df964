import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../../src/client/index.ts';
import type { ConnectOptions, GlimpseClientError, Live, LiveState } from '../../../src/client/index.ts';
import type { ServerMessage } from '../../../signaling/protocol.ts';
import { eventually } from '../../support/eventually.ts';
import { ScriptedSignalingServer } from '../../support/scripted-signaling-server.ts';
import '../../support/watched-peers.ts';

let server: ScriptedSignalingServer;
const opened: Live[] = [];

async function open(options: Partial<ConnectOptions> = {}): Promise<Live> {
  const live = await connect({ url: server.url, prompt: 'a red ball', ...options });
  opened.push(live);
  return live;
}

const reaches = (live: Live, wanted: LiveState): Promise<string> =>
  new Promise((resolve) => live.on('state', (state, reason) => state === wanted && resolve(reason)));

beforeEach(async () => {
  server = await ScriptedSignalingServer.listen();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((live) => live.close()));
  // What the client leaves open shows here: a socket that nobody closed.
  await eventually(() => expect(server.openSockets).toBe(0));
  await server[Symbol.asyncDispose]();
});

describe('connect', () => {
  it('resolves with a live stream once the session is accepted', async () => {
    const live = await open({ seed: 7, token: 'key' });
    expect(live.state).toBe('live');
    expect(live.accepted).toMatchObject({ revision: 1, prompt: 'a red ball' });
    expect(live.stream.getVideoTracks()).toHaveLength(1);
    expect(server.of('offer')[0]?.request).toMatchObject({ prompt: 'a red ball', mode: 'live', seed: 7 });
    expect(server.connections).toEqual(['/signal']);
    expect(server.protocols).toEqual(['glimpse.v1, glimpse.token.key']);
    await eventually(() => expect(live.timeToConnectMs).toBeGreaterThan(0));
  });

  it('asks for video and its sound, and no data channel', async () => {
    await open();
    const sections = server.of('offer')[0]?.sdp.match(/^m=\w+/gm);
    expect(sections).toEqual(['m=video', 'm=audio']);
  });

  it('can pick its prompt from what the server offers', async () => {
    const live = await open({ prompt: ({ generator }) => generator.examples[1] ?? '' });
    expect(live.accepted?.prompt).toBe('a boat on the sea at sunset');
  });

  it('tries again with the relays of the welcome when the direct path does not come up', async () => {
    server.welcome = { ...server.welcome, iceServers: [{ urls: 'stun:127.0.0.1:9' }] };
    server.firewalled = true;
    const live = await open();
    await eventually(() => expect(live.timeToConnectMs).toBeGreaterThan(0));
    expect(server.of('restart')).toHaveLength(1);
    expect(server.of('offer')).toHaveLength(1);
  });

  it('waits for the relays where nothing else is allowed, so that its one offer holds them', async () => {
    await open({ iceTransportPolicy: 'relay' });
    expect(server.of('offer')[0]?.sdp).not.toContain('typ host');
  });

  it('tells a page what came before it could listen, in order', async () => {
    const tier = (slice: number): ServerMessage => ({
      type: 'tier',
      revision: 1,
      slice,
      tier: 'refined',
      startMs: 667 * slice,
      durationMs: 667,
      computeMs: 0,
      widthPx: 128,
      heightPx: 128,
      cached: 'segment',
    });
    server.script = ({ type }, reply) => {
      if (type === 'offer') for (const slice of [0, 1, 2]) reply(tier(slice));
      return false;
    };
    const live = await open();
    const slices: number[] = [];
    live.on('tier', ({ slice }) => slices.push(slice));
    server.send(tier(3));
    await eventually(() => expect(slices).toEqual([0, 1, 2, 3]));
  });

  it.each([
    ['no options', undefined],
    ['no prompt', {}],
    ['a prompt that is none', { prompt: 7 }],
  ])('says what is missing with %s, before anything is opened', async (_, options) => {
    const untyped = connect as (options: unknown) => Promise<Live>;
    const asked = options && { url: server.url, ...options };
    await expect(untyped(asked)).rejects.toMatchObject({
      code: 'PROMPT_EMPTY',
      message: expect.stringContaining('needs a prompt') as string,
    });
    expect(server.connections).toEqual([]);
  });

  it('says what is missing when the function gives no prompt', async () => {
    const prompt = (() => undefined) as unknown as () => string;
    await expect(open({ prompt })).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
  });

  it("rejects with the server's code", async () => {
    server.script = ({ type }, reply) => {
      if (type !== 'offer') return false;
      reply({ type: 'error', id: 1, code: 'SESSION_LIMIT', message: 'full', retryable: true, retryAfterMs: 900 });
      return true;
    };
    await expect(open()).rejects.toMatchObject({
      name: 'GlimpseClientError',
      code: 'SESSION_LIMIT',
      retryable: true,
      retryAfterMs: 900,
    });
  });

  it('gives the reason of a server that says why and hangs up', async () => {
    server.script = (_message, reply) => {
      reply({ type: 'error', code: 'UNAUTHORIZED', message: 'a token is needed', retryable: false });
      server.dropSockets();
      return true;
    };
    await expect(open()).rejects.toMatchObject({ code: 'UNAUTHORIZED', retryable: false });
  });

  it('asks a function for a token, for every connection anew', async () => {
    let asked = 0;
    const live = await open({ token: async () => `key-${++asked}` });
    server.dropSockets();
    await eventually(() => expect(server.connections).toHaveLength(2));
    expect(server.protocols).toEqual(['glimpse.v1, glimpse.token.key-1', 'glimpse.v1, glimpse.token.key-2']);
    await eventually(() => expect(live.state).toBe('live'));
  });

  it('is UNAUTHORIZED when no token can be had', async () => {
    const token = () => Promise.reject(new Error('the session of the shop is over'));
    await expect(open({ token })).rejects.toMatchObject({ code: 'UNAUTHORIZED', retryable: false });
    expect(server.connections).toEqual([]);
  });

  it('says so when nobody is there', async () => {
    await expect(open({ url: 'http://127.0.0.1:9' })).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('is ended by its signal, before and after', async () => {
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(server.connections).toHaveLength(0);

    const controller = new AbortController();
    const live = await open({ signal: controller.signal });
    const closed = reaches(live, 'closed');
    controller.abort();
    await closed;
    await eventually(() => expect(server.of('bye')).toHaveLength(1));
  });

  it('is ended by its signal while the server thinks', async () => {
    const controller = new AbortController();
    server.script = () => {
      controller.abort();
      return true;
    };
    await expect(open({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('controls', () => {
  it('resolve with what the server accepted', async () => {
    const live = await open();
    const accepted = await live.setPrompt('a purple gryphon', { seed: 9, transition: 'continue' });
    expect(accepted).toMatchObject({ revision: 2, prompt: 'a purple gryphon', reading: { unknownWords: [] } });
    expect(server.of('prompt')[0]).toMatchObject({ seed: 9, transition: 'continue' });
    expect(await live.steer({ seed: 11, tierCap: 'base' })).toMatchObject({ revision: 3, seed: 11 });
    await live.pause();
    await live.play();
    await live.seek(1500);
    expect(server.received.slice(-3).map(({ type }) => type)).toEqual(['pause', 'play', 'seek']);
  });

  it('reject with the code, and the stream goes on', async () => {
    const live = await open();
    server.script = (message, reply) => {
      if (message.type !== 'prompt') return false;
      reply({ type: 'error', id: message.id, code: 'PROMPT_EMPTY', message: 'empty', retryable: false });
      return true;
    };
    const errors: GlimpseClientError[] = [];
    live.on('error', (error) => errors.push(error));
    await expect(live.setPrompt('')).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
    expect(errors).toEqual([]);
    expect(live.state).toBe('live');
  });

  it('reject at once when the server is too busy to say whom it means, the oldest first', async () => {
    const live = await open();
    server.script = (message, reply) => {
      if (message.type === 'prompt') reply({ type: 'error', code: 'RATE_LIMITED', message: 'slow', retryable: true });
      return message.type === 'prompt' || message.type === 'pause';
    };
    const errors: GlimpseClientError[] = [];
    live.on('error', (error) => errors.push(error));
    const pausing = live.pause();
    const prompting = live.setPrompt('x');
    await expect(pausing).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    expect(errors).toEqual([]);
    await live.close();
    await expect(prompting).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('pair answers with their requests, in whatever order they come', async () => {
    const live = await open();
    const waiting: (() => void)[] = [];
    server.script = (message, reply) => {
      if (message.type !== 'prompt') return false;
      const { id, prompt } = message;
      waiting.push(() => reply({ type: 'accepted', id, revision: 5, queuePosition: 0, seed: 1, prompt }));
      if (waiting.length === 2) for (const answer of waiting.toReversed()) answer();
      return true;
    };
    const answers = await Promise.all([live.setPrompt('one'), live.setPrompt('two')]);
    expect(answers.map(({ prompt }) => prompt)).toEqual(['one', 'two']);
  });

  it('reject after close', async () => {
    const live = await open();
    await live.close();
    await live.close();
    await expect(live.setPrompt('x')).rejects.toMatchObject({ code: 'ABORTED' });
    expect(live.stream.getTracks()).toEqual([]);
  });
});

describe('events', () => {
  it('pass on what the server tells', async () => {
    const live = await open();
    const seen: unknown[] = [];
    live.on('tier', ({ slice, tier }) => seen.push([slice, tier]));
    live.on('playing', ({ slice }) => seen.push(slice));
    live.on('error', ({ code }) => seen.push(code));
    const shared = { revision: 1, slice: 0, tier: 'draft', widthPx: 32, heightPx: 32 } as const;
    server.send({ type: 'tier', ...shared, startMs: 0, durationMs: 667, computeMs: 12 });
    server.send({ type: 'playing', ...shared, rtpTimestamp: 5000 });
    server.send({ type: 'error', code: 'GENERATOR_DOWN', message: 'gone', retryable: true });
    await eventually(() => expect(seen).toEqual([[0, 'draft'], 0, 'GENERATOR_DOWN']));
    expect(live.playingAt(6000)?.slice).toBe(0);
    expect(live.playingAt(4000)).toBeUndefined();
  });

  it('survive a listener that throws', async () => {
    const live = await open();
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const next = vi.fn();
    live.on('error', () => {
      throw new Error('a bug in the page');
    });
    live.on('error', next);
    server.send({ type: 'error', code: 'INTERNAL', message: '', retryable: true });
    await eventually(() => expect(next).toHaveBeenCalledOnce());
    expect(complaint).toHaveBeenCalledOnce();
    complaint.mockRestore();
  });

  it('end with bye', async () => {
    const live = await open();
    await eventually(() => expect(live.timeToConnectMs).not.toBeNull());
    const closed = reaches(live, 'closed');
    server.send({ type: 'bye', reason: 'the operator ended it' });
    expect(await closed).toBe('the operator ended it');
  });
});
