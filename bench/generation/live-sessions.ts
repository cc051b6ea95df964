/**
 * Live sessions over the embedded model, real encoders and the real send path, with peers that take packets and throw them
 * away: what is measured is the machine, not a network.
 */
import { systemClock } from '../../src/clock.ts';
import { Engine, type EngineConfig } from '../../src/generation/engine/engine.ts';
import type { ModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { Tier } from '../../src/picture/tiers.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { ladder } from '../../src/picture/rungs.ts';
import { SharedLoops } from '../../src/media/loops/shared-loops.ts';
import type { Session } from '../../src/session/contract.ts';
import { Sessions } from '../../src/session/registry.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { FakePeerHost } from '../support/wire/fake-peer-host.ts';

export interface Viewer {
  session: Session;
  /** From the request to the first draft frame, ms; undefined until there is one. */
  draftMs: number | undefined;
}

export interface Span {
  /** Frame instants at which the last frame had to stand, of all. */
  lateShare: number;
  /** Share of one core. */
  cpuShare: number;
  /** Slices refined, of all that were made. */
  refinedShare: number;
}

export interface LiveOptions extends Partial<EngineConfig> {
  /** What the process may take, and of it the parts. Default: no limit. */
  memory?: { processBytes: number; partsBytes: number };
}

export class LiveSessions implements AsyncDisposable {
  readonly generator: OnnxGenerator;
  readonly engine: Engine;
  readonly #sessions: Sessions;
  readonly #peers = new FakePeerHost();
  readonly #viewers = new Set<Viewer>();
  readonly #sweep: NodeJS.Timeout;
  readonly #tiers = { all: 0, refined: 0 };

  private constructor(generator: OnnxGenerator, { memory, ...config }: LiveOptions) {
    this.generator = generator;
    const { info } = generator;
    const best = info.tiers.at(-1);
    if (!best) throw new RangeError('no tier');
    this.engine = new Engine({
      clock: systemClock,
      info,
      config: { capacity: 64, admissionTier: 'base', queueMax: 8, ...config },
      models: memory && { memory: generator.memory, processBytes: memory.processBytes, warmIdleMs: 0 },
      batchSize: (kind) => (kind.startsWith('denoiser:') ? 2 : 1),
    });
    this.#sessions = new Sessions(
      {
        stream: {
          clock: systemClock,
          generator,
          scheduler: this.engine.scheduler,
          admission: this.engine.admission,
          metrics: { reached() {} },
        },
        viewer: {
          clock: systemClock,
          encoding: { createEncoder: encoderFactory('auto'), loops: new SharedLoops(), rungs: ladder(best) },
          link: {
            peers: this.#peers,
            codecs: ['VP8'],
            pacerTimer: new PacerTimer({ clock: systemClock }),
            startBitrateBps: 800_000,
            resumeGraceMs: 0,
            random: Math.random,
          },
          metrics: { observe() {}, count() {}, sample() {}, decided() {}, sentBytes() {} },
        },
      },
      { maxSessions: 64, onSize: () => {} },
    );
    this.#sweep = setInterval(() => this.#forgetPackets(), 500);
  }

  static async start({ directory }: ModelPack, options: LiveOptions = {}): Promise<LiveSessions> {
    const generator = await OnnxGenerator.create({
      modelDirectory: directory,
      threads: 1,
      ...(options.memory ? { budgetBytes: options.memory.partsBytes } : {}),
    });
    await generator.warmUp();
    return new LiveSessions(generator, options);
  }

  /** A connected live session. */
  async open(tierCap: Tier, seed: number): Promise<Viewer> {
    const { examples } = this.generator.info;
    const prompt = examples[seed % examples.length] ?? 'a';
    const startedMs = performance.now();
    const session = await this.#sessions.create({ mode: 'live', seconds: 4, prompt, seed, tierCap });
    const viewer: Viewer = { session, draftMs: undefined };
    session.events.on('tier', ({ tier }) => {
      viewer.draftMs ??= performance.now() - startedMs;
      if (tier === 'base') this.#tiers.all += 1;
      if (tier === 'refined') this.#tiers.refined += 1;
    });
    await session.answer('offer');
    this.#peers.last.connect();
    this.#viewers.add(viewer);
    return viewer;
  }

  async close(viewer: Viewer): Promise<void> {
    this.#viewers.delete(viewer);
    await viewer.session.close('done');
  }

  /** Watches what is open for a while. */
  async watch(seconds: number): Promise<Span> {
    const counts = (): { late: number; sent: number } => {
      const all = [...this.#viewers].map(({ session }) => session.stats);
      return {
        late: all.reduce((sum, { lateFrames }) => sum + lateFrames, 0),
        sent: all.reduce((sum, { framesSent }) => sum + framesSent, 0),
      };
    };
    const before = counts();
    const tiers = { ...this.#tiers };
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const { user, system } = process.cpuUsage(cpu);
    const after = counts();
    const late = after.late - before.late;
    return {
      lateShare: late / Math.max(1, after.sent - before.sent + late),
      cpuShare: (user + system) / 1000 / (performance.now() - startedMs),
      refinedShare: (this.#tiers.refined - tiers.refined) / Math.max(1, this.#tiers.all - tiers.all),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep);
    await this.#sessions.close('done');
    await this.engine[Symbol.asyncDispose]();
    await this.generator.close();
  }

  #forgetPackets(): void {
    for (const { sent } of this.#peers.peers) sent.rtp.length = 0;
  }
}

/** Resolves when the condition holds. @throws RangeError when it does not in time */
export async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new RangeError(`nothing came within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
