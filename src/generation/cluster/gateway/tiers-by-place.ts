/**
 * Makes the lower tiers here and asks the cluster for those above. The first picture never waits for the network; while
 * no worker is there, pictures go on at the tiers of this machine.
 */
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../../generator.ts';
import { isLastRun } from '../../generator.ts';
import { lowerTier, tierRank, type Tier } from '../../../picture/tiers.ts';
import type { RemoteGenerator } from './remote-generator.ts';

export class TiersByPlace implements Generator {
  readonly info: GeneratorInfo;
  readonly embed?: (prompt: string) => Promise<Float32Array>;
  readonly #local: Generator;
  readonly #remote: RemoteGenerator;
  readonly #from: Tier;
  /** The highest tier that is made here. */
  readonly #below: Tier;

  /** @param from lowest tier that workers make; both make the same pictures */
  constructor({ local, remote, from }: { local: Generator; remote: RemoteGenerator; from: Tier }) {
    this.#local = local;
    this.#remote = remote;
    this.#from = from;
    this.info = local.info;
    this.#below = local.info.tiers.findLast(({ tier }) => tierRank(tier) < tierRank(from))?.tier ?? 'draft';
    if (local.embed) this.embed = (prompt) => local.embed?.(prompt) ?? Promise.resolve(new Float32Array());
  }

  get tierCap(): Tier | undefined {
    return this.#remote.available ? this.#local.tierCap : lowerTier(this.#below, this.#local.tierCap ?? this.#below);
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#local.read(prompt);
  }

  warmUp(): Promise<void> {
    return this.#local.warmUp();
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void> {
    const { startAtTier = 'draft', stopAtTier } = job;
    let finished: Float32Array | undefined;
    if (tierRank(startAtTier) < tierRank(this.#from)) {
      const here = { ...job, stopAtTier: lowerTier(stopAtTier, this.#below) };
      for await (const rendition of this.#local.generate(here, options)) {
        const { tier, latents } = rendition;
        if (latents && tier !== 'draft' && isLastRun(rendition, this.info.slice.frames)) finished = latents;
        yield rendition;
      }
    }
    if (tierRank(stopAtTier) < tierRank(this.#from)) return;
    const startAt = tierRank(startAtTier) < tierRank(this.#from) ? this.#from : startAtTier;
    const start = finished ? { start: { latents: finished, strength: 0 } } : {};
    yield* this.#remote.generate({ ...job, startAtTier: startAt, ...start }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
    await this.#local[Symbol.asyncDispose]();
  }
}
