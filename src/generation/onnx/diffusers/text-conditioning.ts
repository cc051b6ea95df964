/** Encodes prompts for the denoiser and remembers the latest: a session repeats its prompt slice after slice. */
import { GlimpseError } from '../../../errors.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import type { DiffusersModel } from './export/layout.ts';
import { hiddenOf } from './export/part-checks.ts';
import { floatsOf, tensorFor } from './export/part-tensors.ts';

/** Prompts remembered; one is up to 315 kB (77 tokens of 1024 numbers). */
const REMEMBERED_PROMPTS = 64;

export interface Conditioning {
  /** [1, tokens, width] */
  hidden: Float32Array;
  shape: readonly number[];
}

export class TextConditioning {
  readonly #model: DiffusersModel;
  readonly #runtime: OnnxRuntime;
  /** In order of last use, oldest first. */
  readonly #remembered = new Map<string, Conditioning>();

  constructor(model: DiffusersModel, runtime: OnnxRuntime) {
    this.#model = model;
    this.#runtime = runtime;
  }

  /** The remembered conditioning; marks it as just used. */
  known(prompt: string): Conditioning | undefined {
    const known = this.#remembered.get(prompt);
    if (known) this.#remember(prompt, known);
    return known;
  }

  /** @returns what was computed, and the time in the text encoder, ms @throws GlimpseError ABORTED, GENERATOR_DOWN */
  async encode(prompt: string, signal: AbortSignal): Promise<{ conditioning: Conditioning; computeMs: number }> {
    const { textEncoder, tokenizer } = this.#model;
    const [input] = textEncoder.signature.inputs;
    const output = hiddenOf(textEncoder.signature);
    if (!input || !output) throw new GlimpseError('INTERNAL');
    const { ids } = tokenizer.tokenize(prompt);
    const feeds = { [input.name]: tensorFor(input, ids, [1, ids.length]) };
    const { outputs, computeMs } = await this.#runtime.run(textEncoder.folder, feeds, { signal });
    const tensor = outputs[output.name];
    const conditioning = { hidden: floatsOf(tensor), shape: tensor?.shape ?? [] };
    this.#remember(prompt, conditioning);
    return { conditioning, computeMs };
  }

  #remember(prompt: string, conditioning: Conditioning): void {
    this.#remembered.delete(prompt);
    this.#remembered.set(prompt, conditioning);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > REMEMBERED_PROMPTS && oldest.done !== true) this.#remembered.delete(oldest.value);
  }
}
