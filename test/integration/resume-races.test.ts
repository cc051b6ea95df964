/** What happens to a session while something else of it is under way: offers that overlap, silence, an encoder at work. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { eventually } from '../support/eventually.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

describe('a viewer who comes back while a picture is encoded', () => {
  it('gets a keyframe first, although the one under way was for the old path', async () => {
    const reopened = Promise.withResolvers<void>();
    /** Whether a keyframe was asked of the second encoder, picture by picture. */
    const asked: boolean[] = [];
    let opened = 0;
    const createEncoder: EncoderFactory = async (settings) => {
      opened += 1;
      const isFirst = opened === 1;
      if (!isFirst) await reopened.promise;
      const encoder = await encoderFactory('auto')(settings);
      const encode = encoder.encode.bind(encoder);
      let frames = 0;
      encoder.encode = (frame, options) => {
        if (isFirst && ++frames > 4) return Promise.reject(new GlimpseError('ENCODER_FAILED'));
        if (!isFirst) asked.push(options.keyframe);
        return encode(frame, options);
      };
      return encoder;
    };
    const { sessions, peers } = sessionFixture({ createEncoder });
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    // The encoder has failed, and the next picture waits for another one when the viewer is on a new path.
    await eventually(() => expect(opened).toBe(2));
    await session.answer('another offer');
    peers.last.connect();
    reopened.resolve();
    // One for the old path, that nobody gets, and what the new path begins with.
    await eventually(() => expect(asked.length).toBeGreaterThan(2));
    expect(asked.slice(0, 3)).toEqual([true, true, false]);
    await session.close('done');
  });
});

describe('offers that overlap', () => {
  /** A session whose offer `slow` is answered when the test says so. */
  async function withSlowAnswer() {
    const { sessions, peers } = sessionFixture();
    const slow = Promise.withResolvers<string>();
    const create = peers.createPeer.bind(peers);
    peers.createPeer = () => {
      const peer = create();
      const answer = peer.answer.bind(peer);
      peer.answer = (offer) => (offer === 'slow' ? slow.promise : answer(offer));
      return peer;
    };
    return { session: await sessions.create(REQUEST), peers, slow };
  }

  it('leave no connection behind, in whatever order they end', async () => {
    const { session, peers, slow } = await withSlowAnswer();
    const first = session.answer('slow');
    const second = session.answer('offer');
    const refused = expect(first).rejects.toMatchObject({ code: 'SDP_INVALID' });
    await nextTurn();
    slow.reject(new GlimpseError('SDP_INVALID'));
    await refused;
    expect(await second).toBe('answer to offer');
    peers.last.connect();
    expect(session.stats.state).toBe('live');
    await session.close('done');
    expect(peers.peerCount).toBe(0);
  });

  it('leave none behind when the session ends meanwhile', async () => {
    const { session, peers, slow } = await withSlowAnswer();
    await session.answer('offer');
    peers.last.connect();
    const under = session.answer('slow');
    const waiting = session.answer('offer');
    const refused = Promise.all([
      expect(under).rejects.toMatchObject({ code: 'PEER_CLOSED' }),
      expect(waiting).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' }),
    ]);
    await nextTurn();
    await session.close('done');
    slow.reject(new GlimpseError('PEER_CLOSED'));
    await refused;
    expect(peers.peerCount).toBe(0);
  });
});

describe('a viewer who was silent until consent ran out', () => {
  it('is live again on the same connection when he is heard, and begins with a keyframe', async () => {
    const { sessions, peers } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    await eventually(() => expect(session.stats.framesSent).toBeGreaterThan(0));
    peers.last.become('disconnected', 'consent ran out');
    expect(session.stats.state).toBe('waiting');
    const { keyframes } = session.stats;
    await session.restart('restart');
    peers.last.become('connected', 'the client is back');
    expect(session.stats.state).toBe('live');
    await eventually(() => expect(session.stats.keyframes).toBeGreaterThan(keyframes));
    expect(peers.peers).toHaveLength(1);
    const numbers = peers.last.sent.media.map(({ sequenceNumber }) => sequenceNumber);
    for (const [index, number] of numbers.entries())
      if (index > 0) expect((number - numbers[index - 1]! + 65_536) % 65_536).toBe(1);
    await session.close('done');
    expect(peers.peerCount).toBe(0);
  });

  it('may come back on a new connection all the same, and the old one is closed', async () => {
    const { sessions, peers } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    peers.last.become('disconnected', 'consent ran out');
    await session.answer('another offer');
    peers.last.connect();
    expect([session.stats.state, peers.peerCount]).toEqual(['live', 1]);
    await session.close('done');
  });
});
