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
import type { SessionDeps, SessionLatency } from '../../src/viewer/deps.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import type { PeerHost } from '../../src/transport/peer/contract.ts';
import { FakePeerHost } from '../../bench/support/wire/fake-peer-host.ts';

export interface SessionFixture {
  engine: Engine;
  sessions: Sessions;
  peers: FakePeerHost;
  sizes: number[];
  latencies: Map<SessionLatency, number[]>;
  counts: Map<string, number>;
  loops: SharedLoops;
}

export interface FixtureOptions {
  generator?: Generator;
  createEncoder?: EncoderFactory;
  maxSessions?: number;
  clock?: Clock;
  /** Instead of peers the test controls. */
  host?: PeerHost;
  engine?: Partial<EngineConfig>;
  rungs?: SessionDeps['rungs'];
  defaultTierCap?: SessionDeps['defaultTierCap'];
}

export const REQUEST: SessionRequest = { prompt: 'a red ball', mode: 'live', seconds: 4 };

export function sessionFixture(options: FixtureOptions = {}): SessionFixture {
  const peers = new FakePeerHost();
  const sizes: number[] = [];
  const loops = new SharedLoops();
  const latencies = new Map<SessionLatency, number[]>();
  const counts = new Map<string, number>();
  const generator = options.generator ?? new PatternGenerator({ widthPx: 128, heightPx: 128, fps: 20 });
  const engine = new Engine({
    clock: options.clock ?? systemClock,
    info: generator.info,
    config: { capacity: 0.85, admissionTier: 'base', queueMax: 2, ...options.engine },
  });
  const sessions = new Sessions(
    {
      clock: options.clock ?? systemClock,
      generator,
      scheduler: engine.scheduler,
      admission: engine.admission,
      createEncoder: options.createEncoder ?? encoderFactory('auto'),
      peers: options.host ?? peers,
      pacerTimer: new PacerTimer(),
      loops,
      rungs: options.rungs ?? [{ widthPx: 128, heightPx: 128 }],
      defaultTierCap: options.defaultTierCap,
      codecs: ['VP8'],
      startBitrateBps: 500_000,
      resumeGraceMs: LIMITS.resumeGraceMs,
      metrics: {
        observe: (latency, ms) => latencies.set(latency, [...(latencies.get(latency) ?? []), ms]),
        count: (what, amount) => counts.set(what, (counts.get(what) ?? 0) + amount),
        sample: (what) => counts.set(what, (counts.get(what) ?? 0) + 1),
        reached: (tier, variant) => {
          const grade = gradeOf({ tier, variant });
          counts.set(grade, (counts.get(grade) ?? 0) + 1);
        },
        decided: (reason) => counts.set(reason, (counts.get(reason) ?? 0) + 1),
        sentBytes: (kind, bytes) => counts.set(kind, (counts.get(kind) ?? 0) + bytes),
      },
      random: () => 0.5,
    },
    { maxSessions: options.maxSessions ?? 4, onSize: (size) => sizes.push(size) },
  );
  return { engine, sessions, peers, sizes, latencies, counts, loops };
}
