import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Generator } from '../../src/generation/generator.ts';
import { OnnxGenerator } from '../../src/generation/onnx/pipeline.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/model-pack.ts';
import { LIMITS } from '../../src/limits.ts';
import { CountingGenerator } from '../support/counting-generator.ts';
import { eventually } from '../support/eventually.ts';
import { REQUEST, sessionFixture, type SessionFixture } from '../support/session-fixture.ts';

/** Longer than computing goes on for nobody. */
const AWAY_MS = LIMITS.unwatchedMs + 600;

interface Seen {
  revision: number;
  slice: number;
  tier: string;
}

/** A clip under way with its viewer gone once `after` tiers were made. */
async function leave({ sessions, peers }: SessionFixture, after: number, seconds = 4) {
  const session = await sessions.create({ ...REQUEST, mode: 'clip', seed: 3, seconds });
  const made: Seen[] = [];
  const left = new Promise<void>((resolve) => {
    session.events.on('tier', ({ revision, slice, tier }) => {
      made.push({ revision, slice, tier });
      if (made.length === after) resolve();
    });
  });
  await session.answer('offer');
  peers.last.connect();
  await left;
  await peers.last.close('the network is gone');
  return { session, made };
}

const names = (made: readonly Seen[]) => made.map(({ slice, tier }) => `${slice}:${tier}`);

describe('a viewer who comes back', () => {
  it('finds the same timeline where it was left, and nothing finished is made twice', async () => {
    const generator = new CountingGenerator();
    generator.gate = () => sleep(60);
    const fixture = sessionFixture({ generator });
    const { session, made } = await leave(fixture, 6);
    const { playheadMs, revision } = session.stats;
    await sleep(AWAY_MS);
    const before = await standsStill(generator.made, 'nothing is computed for nobody').then(() => names(made));
    expect(session.stats).toMatchObject({ state: 'waiting', playheadMs, paused: false });

    const back = fixture.sessions.resume(session.id, session.resumeToken);
    const late = back.stats.lateFrames;
    await back.answer('offer');
    fixture.peers.last.connect();
    expect(back.stats.revision).toBe(revision);
    expect(back.stats.playheadMs).toBeLessThan(playheadMs + 200);
    expect(back.stats.lateFrames - late, 'the time away is not counted as late').toBeLessThan(2);
    await eventually(() => expect(fixture.peers.last.sent.rtp.length).toBeGreaterThan(0));
    const all = 3 * 12;
    await eventually(() => expect(made).toHaveLength(all));
    expect(names(made).slice(0, before.length)).toEqual(before);
    expect(new Set(names(made)).size).toBe(all);
    // A base denoises its slice anew only because its predecessor's latents got better; no picture is made twice.
    expect(new Set(generator.made).size).toBe(generator.made.length);
    await fixture.sessions.close('done');
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
    const { session, made } = await leave(fixture, 2, 2);
    await sleep(AWAY_MS);
    await session.answer('offer');
    fixture.peers.last.connect();
    await eventually(() => expect(made).toHaveLength(3 * 3));
    expect(new Set(names(made)).size).toBe(made.length);
    expect(new Set(asked).size).toBe(asked.length);
    await fixture.sessions.close('done');
  });
});

/** What was on its way is let finish; then nothing more may come. */
async function standsStill(made: readonly unknown[], claim: string): Promise<void> {
  await eventually(async () => {
    const { length } = made;
    await sleep(500);
    expect(made.length, claim).toBe(length);
  });
}

/** The generator itself, with a note of each rendition it made. */
function countingPulls(generator: Generator): { counted: Generator; made: string[] } {
  const made: string[] = [];
  const counted: Generator = {
    info: generator.info,
    read: (prompt) => generator.read(prompt),
    warmUp: () => generator.warmUp(),
    async *generate(job, options) {
      for await (const rendition of generator.generate(job, options)) {
        made.push(`${rendition.slice}:${rendition.tier}`);
        yield rendition;
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { counted, made };
}
