/** A real generator that remembers what it was asked for and what it made; nothing is changed on the way. */
import type {
  GenerateOptions,
  Generator,
  GeneratorInfo,
  PromptReading,
  Rendition,
  SliceJob,
} from '../../src/generation/generator.ts';

export class RecordingGenerator implements Generator {
  readonly #inner: Generator;
  readonly info: GeneratorInfo;
  readonly jobs: SliceJob[] = [];
  readonly renditions: Rendition[] = [];

  constructor(inner: Generator) {
    this.#inner = inner;
    this.info = inner.info;
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#inner.read(prompt);
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    this.jobs.push(job);
    for await (const rendition of this.#inner.generate(job, options)) {
      this.renditions.push(rendition);
      yield rendition;
    }
  }

  warmUp(): Promise<void> {
    return this.#inner.warmUp();
  }

  /** The generator inside is its maker's to close. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
