/** A session over the ffmpeg child, whose process is killed (SIGKILL) at random points: the stream goes on, by a keyframe. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toGlimpseError } from '../../src/errors.ts';
import { createRandom } from '../../src/generation/slices/noise.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

const SEED = 3;
const KILLS = 5;

/** Processes this one has started, by Linux's own record. */
const children = (): number[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

describe.runIf(process.platform === 'linux')('killing the encoder', () => {
  it('loses no session: the next frame opens another encoder and begins with a keyframe', async () => {
    const random = createRandom(SEED, 0);
    const before = new Set(children());
    const { sessions, peers } = sessionFixture({ createEncoder: encoderFactory('ffmpeg') });
    const session = await sessions.create(REQUEST);
    const errors = new Set<string>();
    session.events.on('error', (error) => errors.add(toGlimpseError(error).code));
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(0);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep((random.bits() % 400) + 10);
      const { framesSent, keyframes } = session.stats;
      const encoders = children().filter((pid) => !before.has(pid));
      for (const pid of encoders) process.kill(pid, 'SIGKILL');
      await expect.poll(() => session.stats.framesSent).toBeGreaterThan(framesSent + 1);
      if (encoders.length > 0) await expect.poll(() => session.stats.keyframes).toBeGreaterThan(keyframes);
    }
    expect(session.stats.state).toBe('live');
    expect([...errors].filter((code) => code !== 'ENCODER_FAILED')).toEqual([]);
    await session.close('done');
    await expect.poll(() => children().filter((pid) => !before.has(pid))).toEqual([]);
  });

  it('goes on by another encoder while the stopped one stands still, with nothing that has waited for it', async () => {
    const before = new Set(children());
    const { sessions, peers } = sessionFixture({ createEncoder: encoderFactory('ffmpeg') });
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(5);
    const stopped = children().filter((pid) => !before.has(pid));
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const { framesSent, keyframes } = session.stats;
    const packets = peers.last.sent.rtp.length;
    await expect.poll(() => session.stats.keyframes).toBeGreaterThan(keyframes);
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(framesSent + 2);
    // It could not be asked to go: it was killed where it stood.
    expect(children().filter((pid) => stopped.includes(pid))).toEqual([]);
    const stamps = peers.last.sent.rtp.slice(packets).map(({ rtpTimestamp }) => rtpTimestamp);
    // Modulo 2^32, none is older than the one before.
    const steps = stamps.slice(1).map((stamp, index) => (stamp - stamps[index]!) | 0);
    expect(steps.filter((step) => step < 0)).toEqual([]);
    expect(session.stats.state).toBe('live');
    await session.close('done');
  });
});
