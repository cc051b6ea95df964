/** What a session promises whatever happens around it: to its viewer, and to the process it lives in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { GlimpseError } from '../../src/errors.ts';
import type { Generator } from '../../src/generation/generator.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';
import { FakeTime } from '../support/fake-time.ts';

const pattern = () => new PatternGenerator({ widthPx: 128, heightPx: 128, fps: 20 });

/** A generator that fails as often as it is told to, then works. */
class FailingGenerator implements Generator {
  readonly #inner = pattern();
  readonly info = this.#inner.info;
  failures: number;
  constructor(failures: number) {
    this.failures = failures;
  }
  read = () => this.#inner.read();
  warmUp = () => this.#inner.warmUp();
  async *generate(...job: Parameters<Generator['generate']>) {
    if (this.failures-- > 0) throw new GlimpseError('GENERATOR_DOWN');
    yield* this.#inner.generate(...job);
  }
  async [Symbol.asyncDispose]() {}
}

describe('session', () => {
  let before: Holdings;
  beforeEach(async () => {
    // Loads the encoder's library, which stays.
    await (await encoderFactory('auto')({ codec: 'VP8', widthPx: 64, heightPx: 64, fps: 10, bitrateBps: 1e5 })).close();
    before = takeHoldings();
  });
  afterEach(() => expectNoLeaks(before));

  it('generates while it connects, and its first packet is a keyframe sent the moment it is connected', async () => {
    const { sessions, peers, latencies } = sessionFixture();
    const session = await sessions.create(REQUEST);
    const tiers: string[] = [];
    session.events.on('tier', ({ slice, tier }) => tiers.push(`${slice}:${tier}`));
    await session.answer('offer');
    await expect.poll(() => tiers).toContain('0:refined');
    peers.last.connect();
    await expect.poll(() => peers.last.sent.media.length).toBeGreaterThan(0);
    const [first] = peers.last.sent.media;
    // RFC 7741: after the 4-byte descriptor, bit 0 of the VP8 header is 0 on a keyframe.
    expect((first?.payload[4] ?? 1) & 1).toBe(0);
    expect(session.stats).toMatchObject({ state: 'live', keyframes: 1 });
    for (const latency of ['timeToConnectMs', 'timeToFirstFrameMs', 'timeToDraftMs'] as const)
      expect(latencies.get(latency)).toHaveLength(1);
    await session.close('done');
  });

  it('makes one keyframe at the cut to a new prompt, and tells what is playing', async () => {
    const { sessions, peers } = sessionFixture();
    const session = await sessions.create(REQUEST);
    const playing: number[] = [];
    session.events.on('playing', ({ revision }) => playing.push(revision));
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(3);
    const accepted = await session.control({ type: 'prompt', prompt: 'a blue cube', transition: 'cut' });
    expect(accepted).toMatchObject({ revision: 1, prompt: 'a blue cube' });
    await expect.poll(() => playing.at(-1)).toBe(1);
    expect(session.stats.keyframes).toBe(2);
    await session.close('done');
  });

  it('keeps the seed when only the prompt changes, and the prompt when only the seed does', async () => {
    const { sessions } = sessionFixture();
    const session = await sessions.create({ ...REQUEST, seed: 77 });
    expect(await session.control({ type: 'prompt', prompt: 'other', transition: 'cut' })).toMatchObject({ seed: 77 });
    expect(await session.control({ type: 'steer', seed: 5, transition: 'cut' })).toMatchObject({
      seed: 5,
      prompt: 'other',
      revision: 2,
    });
    expect(await session.control({ type: 'steer', tierCap: 'draft', transition: 'cut' })).toMatchObject({
      revision: 2,
    });
    expect(session.stats.tierCap).toBe('draft');
    await session.close('done');
  });

  it('lets a bad prompt change nothing', async () => {
    const { sessions } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await expect(session.control({ type: 'prompt', prompt: ' \n ', transition: 'cut' })).rejects.toMatchObject({
      code: 'PROMPT_EMPTY',
    });
    expect(await session.accepted).toMatchObject({ revision: 0 });
    await session.close('done');
  });

  it('asks a failed generator again, tells the viewer, and comes back', async () => {
    const generator = new FailingGenerator(2);
    const { sessions, peers } = sessionFixture({ generator });
    const session = await sessions.create(REQUEST);
    const errors: unknown[] = [];
    session.events.on('error', (error) => errors.push((error as GlimpseError).code));
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(0);
    expect(errors).toEqual(['GENERATOR_DOWN', 'GENERATOR_DOWN']);
    await session.close('done');
  });

  it('opens a new encoder when the old one fails', async () => {
    let broken = 1;
    const create = encoderFactory('auto');
    const { sessions, peers } = sessionFixture({
      createEncoder: async (settings) => {
        const encoder = await create(settings);
        if (broken-- > 0) encoder.encode = () => Promise.reject(new GlimpseError('ENCODER_FAILED'));
        return encoder;
      },
    });
    const session = await sessions.create(REQUEST);
    const errors: unknown[] = [];
    session.events.on('error', (error) => errors.push((error as GlimpseError).code));
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(2);
    expect(errors).toEqual(['ENCODER_FAILED']);
    await session.close('done');
  });

  it('gets a new connection by resume, with the same timeline', async () => {
    const { sessions, peers } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    const first = peers.last;
    first.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(3);
    await first.close('the network changed');
    expect(session.stats.state).toBe('waiting');
    expect(() => sessions.resume(session.id, 'guess')).toThrow(expect.objectContaining({ code: 'UNAUTHORIZED' }));
    const resumed = sessions.resume(session.id, session.resumeToken);
    await resumed.answer('another offer');
    peers.last.connect();
    expect(peers.last).not.toBe(first);
    await expect.poll(() => peers.last.sent.media.length).toBeGreaterThan(3);
    expect(session.stats).toMatchObject({ state: 'live', revision: 0 });
    await session.close('done');
  });

  it('generates a new revision from its own beginning even while a frame of the old one is being encoded', async () => {
    const create = encoderFactory('auto');
    let inEncoder = 0;
    let gate: Promise<void> | undefined;
    const { sessions, peers } = sessionFixture({
      createEncoder: async (settings) => {
        const encoder = await create(settings);
        const encode = encoder.encode.bind(encoder);
        encoder.encode = async (...frame) => {
          inEncoder += 1;
          await gate;
          const unit = await encode(...frame);
          inEncoder -= 1;
          return unit;
        };
        return encoder;
      },
    });
    const session = await sessions.create(REQUEST);
    const slices = new Map<number, number[]>();
    session.events.on('tier', ({ revision, slice }) => slices.set(revision, [...(slices.get(revision) ?? []), slice]));
    await session.answer('offer');
    peers.last.connect();
    for (let revision = 1; revision <= 3; revision++) {
      const sent = session.stats.framesSent;
      await expect.poll(() => session.stats.framesSent, { interval: 5 }).toBeGreaterThan(sent + 9);
      const { promise, resolve: open } = Promise.withResolvers<void>();
      gate = promise;
      await expect.poll(() => inEncoder, { interval: 5 }).toBe(1);
      await session.control({ type: 'steer', seed: revision, transition: 'cut' });
      // The first pictures of the new one meet the frame of the old one there.
      await expect.poll(() => slices.get(revision)?.length ?? 0, { interval: 5 }).toBeGreaterThan(0);
      open();
    }
    await expect.poll(() => slices.get(3)?.length ?? 0).toBeGreaterThan(2);
    // Never further ahead than the plan looks, from slice 0 on.
    for (const order of slices.values())
      for (const [done, slice] of order.entries()) expect(slice).toBeLessThanOrEqual(done);
    await session.close('done');
  });

  it('sleeps while paused', async () => {
    using time = new FakeTime();
    let looks = 0;
    const clock = { ...systemClock, nowUs: () => (looks++, systemClock.nowUs()) };
    const { sessions, peers } = sessionFixture({ clock, createEncoder: time.awaiting(encoderFactory('auto')) });
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    await time.until(() => session.stats.framesSent > 3);
    await session.control({ type: 'pause' });
    const { playheadMs } = session.stats;
    // Whatever the still picture gains from has been sent after two seconds; from then on it is repeated once a second.
    await time.pass(2_500);
    const before = { looks, sent: session.stats.framesSent };
    await time.pass(10_000);
    expect(session.stats.framesSent - before.sent).toBeGreaterThanOrEqual(9);
    expect(session.stats.framesSent - before.sent).toBeLessThanOrEqual(11);
    expect(looks - before.looks).toBeLessThan(3_000);
    expect(session.stats.playheadMs).toBe(playheadMs);
    await session.control({ type: 'play' });
    await time.until(() => session.stats.playheadMs > playheadMs);
    await time.during(session.close('done'));
  });

  it('shows what was sought in a clip at once, before and after its loops are replayed', async () => {
    using time = new FakeTime();
    const { sessions, peers } = sessionFixture({ createEncoder: time.awaiting(encoderFactory('auto')) });
    const session = await sessions.create({ ...REQUEST, mode: 'clip', seconds: 1.2 });
    await session.answer('offer');
    peers.last.connect();
    // A clip can be sought from its first picture on; a few seconds later its loops are replayed.
    await time.until(() => session.stats.framesSent > 0);
    for (const settleMs of [0, 4_000]) {
      await time.pass(settleMs);
      for (const timeMs of [100, 900, 300, 0]) {
        const { framesSent } = session.stats;
        await session.control({ type: 'seek', timeMs });
        await time.until(() => session.stats.framesSent > framesSent);
        expect(session.stats.playheadMs).toBeGreaterThanOrEqual(timeMs);
        expect(session.stats.playheadMs).toBeLessThan(timeMs + 100);
      }
    }
    await time.during(session.close('done'));
  });

  it('counts sessions and every latency it can measure', async () => {
    const { sessions, peers, counts, latencies } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(0);
    await session.control({ type: 'prompt', prompt: 'other', transition: 'cut' });
    await expect.poll(() => latencies.get('steerToVisibleMs')?.length).toBe(1);
    await expect.poll(() => latencies.get('timeToRefinedMs')?.length ?? 0).toBeGreaterThan(0);
    await session.close('done');
    expect(counts.get('sessionsStarted')).toBe(1);
    expect(counts.get('framesSent')).toBeGreaterThan(0);
  });

  it('refuses one viewer too many, and has room again when one leaves', async () => {
    const { sessions, sizes } = sessionFixture({ maxSessions: 2 });
    const one = await sessions.create(REQUEST);
    await sessions.create(REQUEST);
    await expect(sessions.create(REQUEST)).rejects.toMatchObject({ code: 'SESSION_LIMIT', retryable: true });
    await one.close('left');
    await sessions.create(REQUEST);
    expect(sizes).toEqual([1, 2, 1, 2]);
    await sessions.close('done');
    expect(sessions.size).toBe(0);
    await expect(sessions.create(REQUEST)).rejects.toMatchObject({ code: 'SERVER_CLOSING' });
  });

  it('gives a newcomer the place of whoever has been gone longest, and nobody else who may still come', async () => {
    const { sessions, peers, sizes } = sessionFixture({ maxSessions: 3 });
    const viewers = [];
    for (const prompt of ['gone first', 'gone second', 'watching']) {
      const session = await sessions.create({ ...REQUEST, prompt });
      await session.answer('offer');
      peers.last.connect();
      viewers.push({ session, peer: peers.last });
    }
    const [first, second, watching] = viewers.map(({ session }) => session);
    await viewers[0]?.peer.close('the network is gone');
    await viewers[1]?.peer.close('the network is gone');
    expect(sessions.full).toBe(false);
    await expect(sessions.create({ ...REQUEST, prompt: ' ' })).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
    expect(sessions.get(first?.id ?? '')).toBe(first);
    const reasons: string[] = [];
    first?.events.on('closed', (reason) => reasons.push(reason));
    await sessions.create(REQUEST);
    expect(() => sessions.get(first?.id ?? '')).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }));
    expect(sessions.get(second?.id ?? '')).toBe(second);
    await second?.answer('offer');
    expect(sessions.full, 'one on his way back keeps his place').toBe(true);
    await expect(sessions.create(REQUEST)).rejects.toMatchObject({ code: 'SESSION_LIMIT' });
    await expect.poll(() => reasons).toEqual(['place-taken']);
    expect(watching?.stats.state).toBe('live');
    expect(sizes).toEqual([1, 2, 3, 3]);
    await sessions.close('done');
  });

  it('answers nothing after its end', async () => {
    const { sessions } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.close('done');
    await expect(session.answer('offer')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect(() => sessions.get(session.id)).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }));
  });
});
