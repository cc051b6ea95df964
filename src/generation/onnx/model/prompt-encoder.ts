/**
 * Prompt to condition: tokenizer, text part, and a memory of the latest prompts, because a session repeats its prompt
 * slice after slice. Also reports what the text part understood.
 */
import { GlimpseError } from '../../../errors.ts';
import type { GenerateOptions, PromptReading } from '../../generator.ts';
import type { Manifest } from '../pack/model-pack.ts';
import { likeliest } from './open-fields.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import { int64 } from '../process/tensor.ts';
import { splitWords, tokenize } from './tokenizer.ts';

/** Prompts remembered; an entry is under 4 kB, and sessions at once are fewer. */
const REMEMBERED_PROMPTS = 64;

/** Letters or an emoji: the user may mean something by it. */
const SAYS_SOMETHING = /[\p{L}\p{Extended_Pictographic}]/u;

export interface EncodedPrompt {
  /** What the denoiser and the refiner are steered by: [condition.width]. */
  condition: Float32Array;
  /** One softmax per field: [condition.width]. */
  probabilities: Float32Array;
  /** Time spent in the text part; 0 when remembered. */
  computeMs: number;
}

export class PromptEncoder {
  readonly #manifest: Manifest;
  readonly #runtime: OnnxRuntime;
  readonly #vocabulary: ReadonlySet<string>;
  /** In order of last use, oldest first. */
  readonly #remembered = new Map<string, EncodedPrompt>();

  constructor(manifest: Manifest, runtime: OnnxRuntime) {
    this.#manifest = manifest;
    this.#runtime = runtime;
    this.#vocabulary = new Set(manifest.vocabulary.map((word) => word.toLowerCase()));
  }

  /**
   * @param options with `turn` where others compute too: text encoded outside the scheduler lets another job's step
   *   start first, and the draft then waits for it
   * @throws GlimpseError ABORTED, GENERATOR_DOWN
   */
  async encode(prompt: string, { signal, turn }: Partial<GenerateOptions> = {}): Promise<EncodedPrompt> {
    let encoded = this.#known(prompt);
    if (encoded) return encoded;
    const run = async (): Promise<void> => {
      // Another caller may have encoded the same text since.
      encoded = this.#known(prompt) ?? (await this.#compute(prompt, signal));
    };
    await (turn?.({ kind: 'text', run }) ?? run());
    if (!encoded) throw new GlimpseError('INTERNAL', { message: 'a turn ended without its unit' });
    return encoded;
  }

  #known(prompt: string): EncodedPrompt | undefined {
    const known = this.#remembered.get(prompt);
    if (known) this.#remember(prompt, known);
    return known;
  }

  async #compute(prompt: string, signal: AbortSignal | undefined): Promise<EncodedPrompt> {
    const { tokenizer } = this.#manifest;
    const ids = int64(tokenize(prompt, tokenizer), 1, tokenizer.maxWords, tokenizer.featuresPerWord);
    const { outputs, computeMs } = await this.#runtime.run('text', { ids }, { signal });
    const condition = outputs['condition']?.data as Float32Array;
    const probabilities = outputs['probabilities']?.data as Float32Array;
    this.#remember(prompt, { condition, probabilities, computeMs: 0 });
    return { condition, probabilities, computeMs };
  }

  /** The likeliest value of each field; fields whose likeliest value is "unspecified" are left out. */
  async read(prompt: string): Promise<PromptReading> {
    const { probabilities } = await this.encode(prompt);
    const fields: Record<string, string> = {};
    for (const field of this.#manifest.condition.fields) {
      const value = likeliest(probabilities, field);
      if (value !== undefined) fields[field.name] = value;
    }
    return { unknownWords: this.#withoutEffect(prompt), fields };
  }

  /**
   * The fields' probabilities. Each certain field adds a length of one, so the cosine of two prompts is about the share
   * of fields they agree on, and synonyms are close.
   */
  async embed(prompt: string): Promise<Float32Array> {
    const { probabilities } = await this.encode(prompt);
    return probabilities.slice();
  }

  /** Words and pictographs outside the vocabulary or beyond what is read. */
  #withoutEffect(prompt: string): string[] {
    const words = splitWords(prompt);
    const read = new Set(words.slice(0, this.#manifest.tokenizer.maxWords));
    const lost = words.filter((word) => SAYS_SOMETHING.test(word) && !(this.#vocabulary.has(word) && read.has(word)));
    return [...new Set(lost)];
  }

  #remember(prompt: string, encoded: EncodedPrompt): void {
    this.#remembered.delete(prompt);
    this.#remembered.set(prompt, encoded);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > REMEMBERED_PROMPTS && oldest.done !== true) this.#remembered.delete(oldest.value);
  }
}
