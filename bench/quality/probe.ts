/**
 * The judge of adherence: `models/probe/probe.onnx`, a classifier from the eight base frames of a slice to the caption
 * fields, trained on rendered clips alone; it has never seen the model it judges. It runs in an inference process like any
 * part: input `i420` uint8 [b, frames, bytes], output `probabilities` [b, condition.width].
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GlimpseError } from '../../src/errors.ts';
import { defaultModelDirectory, type Manifest, readManifest } from '../../src/generation/onnx/pack/model-pack.ts';
import { startedRuntime } from '../../src/generation/onnx/runtime/model-runtime.ts';
import type { OnnxRuntime } from '../../src/generation/onnx/runtime/runtime.ts';
import type { Tensor } from '../../src/generation/onnx/process/tensor.ts';
import { type I420Frame, i420Bytes } from '../../src/picture/frame.ts';
import { scaleI420 } from '../../src/media/encode/scale.ts';

/** The probe for packs of the world that ships; undefined for any other, which it would misread, and without its file. */
export async function probeFor(manifest: Manifest): Promise<Probe | undefined> {
  const worldOf = ({ condition, slice, tiers }: Manifest): string => JSON.stringify([condition, slice, tiers[1]]);
  const shipped = await readManifest(defaultModelDirectory());
  return worldOf(manifest) === worldOf(shipped) ? Probe.load(manifest) : undefined;
}

export const probeFile = (): string => join(dirname(defaultModelDirectory()), 'probe', 'probe.onnx');

export class Probe implements AsyncDisposable {
  readonly #runtime: OnnxRuntime;
  readonly #manifest: Manifest;

  private constructor(runtime: OnnxRuntime, manifest: Manifest) {
    this.#runtime = runtime;
    this.#manifest = manifest;
  }

  /**
   * @param manifest of the pack that is judged: the probe reads its base frames.
   * @returns undefined when there is no probe file; then adherence cannot be measured.
   * @throws GlimpseError MODEL_INVALID when the probe is for another world or size.
   */
  static async load(manifest: Manifest, path = probeFile()): Promise<Probe | undefined> {
    if (!existsSync(path)) return undefined;
    const { frames, bytes, width } = shapeOf(manifest);
    const runtime = await startedRuntime({
      parts: [
        {
          name: 'probe',
          path,
          inputs: [{ name: 'i420', type: 'uint8', shape: ['b', frames, bytes] }],
          outputs: [{ name: 'probabilities', type: 'float32', shape: ['b', width] }],
        },
      ],
      threads: 1,
    });
    return new Probe(runtime, manifest);
  }

  /**
   * What it sees, field by field: the likeliest value, never "unspecified".
   * @param slice all frames of a slice; those of a larger tier are brought to the base's size.
   */
  async read(slice: readonly I420Frame[]): Promise<Record<string, string>> {
    const { frames, bytes, widthPx, heightPx } = shapeOf(this.#manifest);
    const data = new Uint8Array(frames * bytes);
    for (const [index, frame] of slice.entries()) data.set(scaleI420(frame, widthPx, heightPx).data, index * bytes);
    const i420: Tensor = { type: 'uint8', data, shape: [1, frames, bytes] };
    const { outputs } = await this.#runtime.run('probe', { i420 });
    const probabilities = outputs['probabilities'];
    if (probabilities?.type !== 'float32') throw new GlimpseError('MODEL_INVALID', { details: { part: 'probe' } });
    const seen: Record<string, string> = {};
    for (const { name, offset, values } of this.#manifest.condition.fields) {
      const group = probabilities.data.subarray(offset + 1, offset + 1 + values.length);
      const likeliest = values[group.indexOf(Math.max(...group))];
      if (likeliest !== undefined) seen[name] = likeliest;
    }
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime.close();
  }
}

function shapeOf({ tiers, slice, condition }: Manifest) {
  const { widthPx, heightPx } = tiers.find(({ tier }) => tier === 'base') ?? { widthPx: 0, heightPx: 0 };
  return { frames: slice.frames, bytes: i420Bytes(widthPx, heightPx), width: condition.width, widthPx, heightPx };
}
