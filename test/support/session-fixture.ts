/** Sessions over real encoder, timeline and send path, with the test pattern and peers the test controls. */
import { systemClock, type Clock } from '../../src/clock.ts';
import { Engine, type EngineConfig } from '../../src/generation/engine/engine.ts';
import { gradeOf } from '../../src/generation/grades.ts';
import type { Generator } from '../../src/generation/generator.ts';
import { LIMITS } from '../../src/limits.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { SharedLoops } from '../../src/media/loops/shared-loops.ts';
import type { SessionRequest } from '../../src/session/contract.ts';
import { Sessions } from '../../src/session/registry.ts';
import type { SessionDeps } from '../../src/session/start-session.ts';
import type { Tier } from '../../src/picture/tiers.ts';
import type { EncodingDeps, ViewerLatency } from '../../src/viewer/deps.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import type { PeerHost } from '../../src/transport/peer/contract.ts';
import { FakePeerHost } from '../../bench/support/wire/fake-peer-host.ts';

export interface SessionFixture {
  engine: Engine;
  sessions: Sessions;
  peers: FakePeerHost;
  sizes: number[];
  latencies: Map<ViewerLatency, number[]>;
  counts: Map<string, number>;
  loops: SharedLoops;
  deps: SessionDeps;
}

export interface FixtureOptions {
  generator?: Generator;
  createEncoder?: EncoderFactory;
  maxSessions?: number;
  clock?: Clock;
  /** Instead of peers the test controls. */
  host?: PeerHost;
  engine?: Partial<EngineConfig>;
  rungs?: EncodingDeps['rungs'];
  /** Of a session that asks for none. */
  usualTier?: Tier | undefined;
}

export const REQUEST: SessionRequest = { prompt: 'a red ball', mode: 'live', seconds: 4 };

export function sessionFixture(options: FixtureOptions = {}): SessionFixture {
  const peers = new FakePeerHost();
  const sizes: number[] = [];
  const loops = new SharedLoops();
  const latencies = new Map<ViewerLatency, number[]>();
  const counts = new Map<string, number>();
  const generator = options.generator ?? new PatternGenerator({ widthPx: 128, heightPx: 128, fps: 20 });
  const clock = options.clock ?? systemClock;
  const engine = new Engine({
    clock,
    info: generator.info,
    config: { capacity: 0.85, admissionTier: 'base', queueMax: 2, ...options.engine },
  });
  const add = (what: string, amount: number): unknown => counts.set(what, (counts.get(what) ?? 0) + amount);
  const deps: SessionDeps = {
    stream: {
      clock,
      generator,
      scheduler: engine.scheduler,
      admission: engine.admission,
      metrics: { reached: (tier, variant) => add(gradeOf({ tier, variant }), 1) },
    },
    viewer: {
      clock,
      encoding: {
        createEncoder: options.createEncoder ?? encoderFactory('auto'),
        loops,
        rungs: options.rungs ?? [{ widthPx: 128, heightPx: 128 }],
      },
      link: {
        peers: options.host ?? peers,
        codecs: ['VP8'],
        pacerTimer: new PacerTimer(),
        startBitrateBps: 500_000,
        resumeGraceMs: LIMITS.resumeGraceMs,
        random: () => 0.5,
      },
      metrics: {
        observe: (latency, ms) => latencies.set(latency, [...(latencies.get(latency) ?? []), ms]),
        count: add,
        sample: (what) => add(what, 1),
        decided: (reason) => add(reason, 1),
        sentBytes: add,
      },
    },
  };
  const sessions = new Sessions(deps, {
    maxSessions: options.maxSessions ?? 4,
    onSize: (size) => sizes.push(size),
  });
  if (options.usualTier) sessions.usualTier = options.usualTier;
  return { engine, sessions, peers, sizes, latencies, counts, loops, deps };
}
