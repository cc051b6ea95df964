import { describe, expect, it } from 'vitest';
import type { Generator } from '../../src/generation/generator.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { LIMITS } from '../../src/limits.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { CountingGenerator } from '../support/counting-generator.ts';
import { eventually } from '../support/eventually.ts';
import { REQUEST, sessionFixture, type SessionFixture } from '../support/session-fixture.ts';
import { FakeTime } from '../support/fake-time.ts';

/** Longer than computing goes on for nobody. */
const AWAY_MS = LIMITS.unwatchedMs + 600;

interface Leaving {
  seconds?: number;
  time?: FakeTime;
}

interface Seen {
  revision: number;
  slice: number;
  tier: string;
  variant?: 'fast' | 'full' | undefined;
}

/** A clip under way with its viewer gone once `after` tiers were made. */
async function leave({ sessions, peers }: SessionFixture, after: number, { seconds = 4, time }: Leaving = {}) {
  const session = await sessions.create({ ...REQUEST, mode: 'clip', seed: 3, seconds });
  const made: Seen[] = [];
  session.events.on('tier', ({ revision, slice, tier, variant }) => made.push({ revision, slice, tier, variant }));
  await session.answer('offer');
  peers.last.connect();
  const enough = () => made.length >= after;
  await (time ? time.until(enough) : eventually(() => expect(enough()).toBe(true)));
  await peers.last.close('the network is gone');
  return { session, made };
}

/** What the fast refiner has made is made again, full, when there is time: that is another picture. */
const name = ({ slice, tier, variant }: Omit<Seen, 'revision'>) =>
  `${slice}:${tier}${variant === 'fast' ? ' fast' : ''}`;
const names = (made: readonly Seen[]) => made.map(name);

describe('a viewer who comes back', () => {
  it('finds the same timeline where it was left, and nothing finished is made twice', async () => {
    using time = new FakeTime();
    const generator = new CountingGenerator();
    generator.gate = () => new Promise((resolve) => setTimeout(resolve, 60));
    const fixture = sessionFixture({ generator, createEncoder: time.awaiting(encoderFactory('auto')) });
    const { session, made } = await leave(fixture, 6, { time });
    const { playheadMs, revision } = session.stats;
    await time.pass(AWAY_MS);
    const before = names(made);
    await time.pass(5_000);
    expect(names(made), 'nothing is computed for nobody').toEqual(before);
    expect(session.stats).toMatchObject({ state: 'waiting', playheadMs, paused: false });

    const back = fixture.sessions.resume(session.id, session.resumeToken);
    const late = back.stats.lateFrames;
    await back.answer('offer');
    fixture.peers.last.connect();
    expect(back.stats.revision).toBe(revision);
    expect(back.stats.playheadMs).toBeLessThan(playheadMs + 200);
    expect(back.stats.lateFrames - late, 'the time away is not counted as late').toBeLessThan(2);
    await time.until(() => fixture.peers.last.sent.rtp.length > 0);
    const all = 3 * 12;
    await time.until(() => made.length >= all);
    expect(names(made).slice(0, before.length)).toEqual(before);
    expect(new Set(names(made)).size).toBe(all);
    // A base denoises its slice anew only because its predecessor's latents got better; no picture is made twice.
    expect(new Set(generator.made).size).toBe(generator.made.length);
    await time.during(fixture.sessions.close('done'));
  });

  it('stays paused if he had paused, and plays if he asked for it meanwhile', async () => {
    const fixture = sessionFixture({ generator: new CountingGenerator() });
    const { session } = await leave(fixture, 2);
    await session.control({ type: 'pause' });
    expect(session.stats.paused).toBe(true);
    await session.answer('offer');
    fixture.peers.last.connect();
    expect(session.stats.paused).toBe(true);
    await fixture.peers.last.close('gone again');
    await session.control({ type: 'play' });
    await session.answer('offer');
    fixture.peers.last.connect();
    expect(session.stats.paused).toBe(false);
    await fixture.sessions.close('done');
  });

  it('finds his slices going on with the real model, none of them made twice', async () => {
    await using generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    const { counted, made: asked } = countingPulls(generator);
    // A clip is refined only where admission finds room: on a busy machine it may not.
    const fixture = sessionFixture({ generator: counted, engine: { capacity: 1e6 } });
    const { session, made } = await leave(fixture, 2, { seconds: 2 });
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    await session.answer('offer');
    fixture.peers.last.connect();
    const whole = [0, 1, 2].flatMap((slice) => ['draft', 'base', 'refined'].map((tier) => name({ slice, tier })));
    await eventually(() => expect(names(made)).toEqual(expect.arrayContaining(whole)));
    expect(new Set(names(made)).size).toBe(made.length);
    expect(new Set(asked).size).toBe(asked.length);
    await fixture.sessions.close('done');
  });
});

/** The generator itself, with a note of each rendition it made. */
function countingPulls(generator: Generator): { counted: Generator; made: string[] } {
  const made: string[] = [];
  const counted: Generator = {
    info: generator.info,
    read: (prompt) => generator.read(prompt),
    warmUp: () => generator.warmUp(),
    async *generate(job, options) {
      for await (const rendition of generator.generate(job, options)) {
        made.push(name(rendition));
        yield rendition;
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { counted, made };
}
