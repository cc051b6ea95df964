import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../../src/client/index.ts';
import type { ConnectOptions, Live, LiveState } from '../../../src/client/index.ts';
import { eventually } from '../../support/eventually.ts';
import { ScriptedSignalingServer } from '../../support/scripted-signaling-server.ts';
import { losePath, madePeers, openPeers } from '../../support/watched-peers.ts';

/** The pauses between attempts: written down, and over at once unless a test holds them. */
const pauses = vi.hoisted(() => ({ askedMs: [] as number[], held: undefined as Promise<void> | undefined }));
vi.mock(import('../../../src/client/connection/backoff.ts'), async (original) => ({
  ...(await original()),
  pause: async (delayMs) => {
    pauses.askedMs.push(delayMs);
    await pauses.held;
    await new Promise((resolve) => setImmediate(resolve));
  },
}));

/** Keeps attempts from beginning until the returned function is called. */
function holdPauses(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  pauses.held = promise;
  return resolve;
}

let server: ScriptedSignalingServer;
const opened: Live[] = [];

/** A stream whose peer is up, and the states it goes through from there. */
async function open(options: Partial<ConnectOptions> = {}): Promise<{ live: Live; states: LiveState[] }> {
  const live = await connect({ url: server.url, prompt: 'a red ball', ...options });
  opened.push(live);
  const states: LiveState[] = [];
  live.on('state', (state) => states.push(state));
  await eventually(() => expect(live.timeToConnectMs).not.toBeNull());
  return { live, states };
}

const settled = (states: LiveState[], last: LiveState) => eventually(() => expect(states.at(-1)).toBe(last));

beforeEach(async () => {
  madePeers.length = 0;
  pauses.askedMs.length = 0;
  pauses.held = undefined;
  server = await ScriptedSignalingServer.listen();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((live) => live.close()));
  await eventually(() => expect(server.openSockets).toBe(0));
  expect(openPeers()).toEqual([]);
  await server[Symbol.asyncDispose]();
});

describe('reconnecting', () => {
  it('resumes over a new socket and keeps the running peer connection', async () => {
    const { live, states } = await open();
    const [track] = live.stream.getTracks();
    server.dropSockets();
    await settled(states, 'live');
    expect(states).toEqual(['reconnecting', 'live']);
    expect(server.of('resume')).toEqual([{ type: 'resume', id: 1, sessionId: 'session-1', resumeToken: 'secret' }]);
    expect(live.stream.getTracks()[0]).toBe(track);
    expect((await live.setPrompt('again')).prompt).toBe('again');
  });

  it('sends what was asked for meanwhile once it is back: of each kind the newest', async () => {
    const { live, states } = await open();
    const attempt = holdPauses();
    server.dropSockets();
    await settled(states, 'reconnecting');
    const asked = [
      live.setPrompt('first', { seed: 1 }),
      live.pause(),
      live.setPrompt('second'),
      live.steer({ guidance: 3 }),
      live.steer({ tierCap: 'base' }),
      live.play(),
    ];
    attempt();
    await settled(states, 'live');
    await Promise.all(asked);
    expect((await asked[0])?.prompt).toBe('second');
    expect(server.of('prompt').map(({ prompt, seed }) => [prompt, seed])).toEqual([['second', undefined]]);
    expect(server.of('steer')).toMatchObject([{ guidance: 3, tierCap: 'base' }]);
    expect([server.of('pause').length, server.of('play').length]).toEqual([0, 1]);
  });

  it('sends again what was under way when the connection was lost', async () => {
    const { live, states } = await open();
    server.script = ({ type }) => {
      if (type !== 'prompt') return false;
      server.script = () => false;
      server.dropSockets();
      return true;
    };
    expect((await live.setPrompt('under way')).prompt).toBe('under way');
    expect(states).toEqual(['reconnecting', 'live']);
  });

  it('rejects what waits when the stream ends', async () => {
    const { live, states } = await open();
    const attempt = holdPauses();
    server.dropSockets();
    await settled(states, 'reconnecting');
    const asked = live.setPrompt('x');
    const refused = expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    await live.close();
    await refused;
    attempt();
  });

  it('keeps trying while the server refuses for now', async () => {
    const { states } = await open();
    let refusals = 2;
    server.script = (message, reply) => {
      if (message.type !== 'resume' || refusals-- <= 0) return false;
      const { id } = message;
      reply({ type: 'error', id, code: 'RATE_LIMITED', message: 'slow', retryable: true, retryAfterMs: 9_000 });
      return true;
    };
    server.dropSockets();
    await settled(states, 'live');
    expect(server.of('resume')).toHaveLength(3);
    expect(pauses.askedMs).toEqual([expect.any(Number), 9_000, 9_000]);
  });

  it('starts a new session with what was last asked for when the old one is gone', async () => {
    const { live, states } = await open();
    await live.setPrompt('a boat', { seed: 5 });
    const sessions: string[] = [];
    live.on('session', (id) => sessions.push(id));
    server.forgetSession();
    server.dropSockets();
    await settled(states, 'live');
    expect(server.of('offer')).toHaveLength(2);
    expect(server.of('offer')[1]?.request).toMatchObject({ prompt: 'a boat', seed: 5, mode: 'live' });
    expect(sessions).toEqual(['session-2']);
    expect(live.stream.getVideoTracks()).toHaveLength(1);
  });

  it('keeps the last picture until the next one arrives, and then closes what it came through', async () => {
    const { live, states } = await open();
    const [shown] = live.stream.getVideoTracks();
    server.forgetSession();
    server.script = ({ type }) => type === 'offer';
    server.dropSockets();
    await eventually(() => expect(server.of('offer')).toHaveLength(2));
    server.dropSockets();
    await eventually(() => expect(server.of('offer')).toHaveLength(3));
    expect(live.stream.getVideoTracks()[0]).toBe(shown);
    expect(shown?.readyState).toBe('live');
    server.script = () => false;
    server.dropSockets();
    await settled(states, 'live');
    await eventually(() => expect(openPeers()).toHaveLength(1));
    expect(live.stream.getVideoTracks()).toHaveLength(1);
    expect(live.stream.getVideoTracks()[0]).not.toBe(shown);
    expect(shown?.readyState).toBe('ended');
  });

  it('makes no peer connection while the server is away, and keeps the one on screen', async () => {
    const { live, states } = await open();
    const [shown] = live.stream.getVideoTracks();
    const port = Number(new URL(server.url).port);
    server.forgetSession();
    const away = new Promise<void>((resolve) => {
      server.script = ({ type }) => {
        if (type === 'offer') resolve(server[Symbol.asyncDispose]());
        return type === 'offer';
      };
    });
    server.dropSockets();
    await away;
    await eventually(() => expect(openPeers()).toHaveLength(1));
    const made = madePeers.length;
    const attempts = pauses.askedMs.length;
    await eventually(() => expect(pauses.askedMs.length).toBeGreaterThan(attempts + 5));
    const attempt = holdPauses();
    expect(madePeers).toHaveLength(made);
    expect(shown?.readyState).toBe('live');
    server = await ScriptedSignalingServer.listen({ port });
    attempt();
    await settled(states, 'live');
    expect(madePeers).toHaveLength(made + 1);
  });

  it('says nothing of candidates that a refused resume left behind, and sends no more', async () => {
    const { live, states } = await open();
    const errors: string[] = [];
    live.on('error', ({ code }) => errors.push(code));
    madePeers[0]?.close();
    let refused: RTCSignalingState | undefined;
    server.script = (message, reply) => {
      if (message.type === 'offer') refused = madePeers[1]?.signalingState;
      if (message.type !== 'resume') return false;
      const no = { type: 'error', message: '', retryable: false } as const;
      reply({ ...no, id: message.id, code: 'SESSION_NOT_FOUND' });
      reply({ ...no, code: 'NO_SESSION' });
      return true;
    };
    server.dropSockets();
    await settled(states, 'live');
    expect(server.of('resume')[0]?.sdp).toContain('m=video');
    expect(refused).toBe('closed');
    expect(errors).toEqual([]);
  });

  it('starts a new session with the seed that the server had picked', async () => {
    const { live, states } = await open();
    const picked = live.accepted?.seed;
    expect(picked).toBeTypeOf('number');
    expect(server.of('offer')[0]?.request).not.toHaveProperty('seed');
    server.forgetSession();
    server.dropSockets();
    await settled(states, 'live');
    expect(server.of('offer')[1]?.request).toMatchObject({ seed: picked });
  });

  it('gives up when told not to start anew', async () => {
    const { live, states } = await open({ restartLost: false });
    const failure = new Promise((resolve) => live.on('error', resolve));
    server.forgetSession();
    server.dropSockets();
    await settled(states, 'closed');
    expect(await failure).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect(server.of('offer')).toHaveLength(1);
  });

  it('stops trying when closed', async () => {
    const { live, states } = await open();
    server.script = () => true;
    server.dropSockets();
    await settled(states, 'reconnecting');
    await live.close();
    expect(states).toEqual(['reconnecting', 'closed']);
    expect(live.state).toBe('closed');
  });

  it('comes back after a server that said when', async () => {
    const { states } = await open();
    server.forgetSession();
    server.send({ type: 'bye', reason: 'the server restarts', retryAfterMs: 7_000 });
    await settled(states, 'live');
    expect(server.of('offer')).toHaveLength(2);
    expect(pauses.askedMs[0]).toBe(7_000);
  });

  it('comes back after a server that closes, even if that did not say when', async () => {
    const { states } = await open();
    server.forgetSession();
    server.send({ type: 'bye', reason: 'server-closing' });
    await settled(states, 'live');
    expect(server.of('offer')).toHaveLength(2);
    expect(pauses.askedMs[0]).toBe(1_000);
  });

  it('offers an ICE restart when the path dies, and a new peer connection when that does not help', async () => {
    const { live, states } = await open();
    const [peer] = openPeers();
    server.script = (message, reply) => {
      if (message.type !== 'restart') return false;
      reply({ type: 'error', id: message.id, code: 'PEER_CLOSED', message: 'gone', retryable: true });
      return true;
    };
    losePath(peer!);
    await settled(states, 'live');
    expect(server.of('restart')).toHaveLength(1);
    expect(server.of('resume')[0]?.sdp).toContain('m=video');
    await eventually(() => expect(live.stream.getVideoTracks()).toHaveLength(1));
  });
});
