import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../../src/client/index.ts';
import type { ConnectOptions, Live, LiveState } from '../../../src/client/index.ts';
import { ScriptedSignalingServer } from '../../support/scripted-signaling-server.ts';
import { madePeers, openPeers } from '../../support/watched-peers.ts';

let server: ScriptedSignalingServer;
const opened: Live[] = [];

/** A stream whose peer is up, and the states it goes through from there. */
async function open(options: Partial<ConnectOptions> = {}): Promise<{ live: Live; states: LiveState[] }> {
  const live = await connect({ url: server.url, prompt: 'a red ball', ...options });
  opened.push(live);
  const states: LiveState[] = [];
  live.on('state', (state) => states.push(state));
  await vi.waitFor(() => expect(live.timeToConnectMs).not.toBeNull());
  return { live, states };
}

const settled = (states: LiveState[], last: LiveState) =>
  vi.waitFor(() => expect(states.at(-1)).toBe(last), { timeout: 60_000 });

beforeEach(async () => {
  madePeers.length = 0;
  server = await ScriptedSignalingServer.listen();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((live) => live.close()));
  await vi.waitFor(() => expect(server.openSockets).toBe(0));
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

  it('rejects controls while there is no connection, saying that they may be tried again', async () => {
    const { live, states } = await open();
    server.dropSockets();
    await settled(states, 'reconnecting');
    await expect(live.setPrompt('x')).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    await settled(states, 'live');
  });

  it('keeps trying while the server refuses for now', async () => {
    const { states } = await open();
    let refusals = 2;
    server.script = (message, reply) => {
      if (message.type !== 'resume' || refusals-- <= 0) return false;
      const { id } = message;
      reply({ type: 'error', id, code: 'RATE_LIMITED', message: 'slow', retryable: true, retryAfterMs: 5 });
      return true;
    };
    server.dropSockets();
    await settled(states, 'live');
    expect(server.of('resume')).toHaveLength(3);
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
    await vi.waitFor(() => expect(server.of('offer')).toHaveLength(2));
    server.dropSockets();
    await vi.waitFor(() => expect(server.of('offer')).toHaveLength(3));
    expect(live.stream.getVideoTracks()[0]).toBe(shown);
    expect(shown?.readyState).toBe('live');
    server.script = () => false;
    server.dropSockets();
    await settled(states, 'live');
    await vi.waitFor(() => expect(openPeers()).toHaveLength(1));
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
    await vi.waitFor(() => expect(openPeers()).toHaveLength(1));
    const made = madePeers.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(madePeers).toHaveLength(made);
    expect(shown?.readyState).toBe('live');
    server = await ScriptedSignalingServer.listen({ port });
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
    server.send({ type: 'bye', reason: 'the server restarts', retryAfterMs: 20 });
    await settled(states, 'live');
    expect(server.of('offer')).toHaveLength(2);
  });

  it('comes back after a server that closes, even if that did not say when', async () => {
    const { states } = await open();
    server.forgetSession();
    server.send({ type: 'bye', reason: 'server-closing' });
    await settled(states, 'live');
    expect(server.of('offer')).toHaveLength(2);
  });

  // A browser takes 5 to 15 s to call a path dead.
  it('offers an ICE restart when the path dies, and a new peer connection when that does not help', async () => {
    const { live, states } = await open();
    server.dropPeer();
    server.script = (message, reply) => {
      if (message.type !== 'restart') return false;
      reply({ type: 'error', id: message.id, code: 'PEER_CLOSED', message: 'gone', retryable: true });
      return true;
    };
    await settled(states, 'live');
    expect(server.of('restart')).toHaveLength(1);
    expect(server.of('resume')[0]?.sdp).toContain('m=video');
    await vi.waitFor(() => expect(live.stream.getVideoTracks()).toHaveLength(1));
  }, 90_000);
});
