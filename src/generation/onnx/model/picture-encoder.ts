/**
 * Pictures to latents, for packs whose latent is linear (models/training/latent.py): a token is a tube of 8 x 8 px x 4
 * frames, and the decoder is one matrix with orthogonal rows. Its least-squares inverse, which this takes from the
 * decoder itself, is the transpose with each row scaled, so no pack has to carry it. Nine million products a slice.
 */
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { I420Frame } from '../../../picture/frame.ts';
import type { LiveSource } from '../../../picture/live-source.ts';
import type { Manifest } from '../pack/model-pack.ts';
import { readInitializers } from './onnx-initializers.ts';

const PATCH_PX = 8;
const PATCH_FRAMES = 4;
const GRID = 4;
const SIDE_PX = PATCH_PX * GRID;
const TOKEN_VALUES = PATCH_FRAMES * 3 * PATCH_PX * PATCH_PX;
const PLANE = SIDE_PX * SIDE_PX;
/** Asked of the camera: at twice the latent's side each of its pixels has a chroma sample of its own. */
const PICTURE = { widthPx: SIDE_PX * 2, heightPx: SIDE_PX * 2 };
/** Tokens encoded before the event loop has a turn: about two milliseconds. */
const TOKENS_AT_ONCE = 8;

/** Red, green and blue planes of 32 by 32, in [-1, 1]. */
type Planes = Float32Array;

export class PictureEncoder {
  readonly #frames: number;
  readonly #channels: number;
  readonly #mean: Float32Array;
  /** [values, channels]. */
  readonly #matrix: Float32Array;
  /** The picture that the last slice ended with, by source: the next one goes on from it. */
  readonly #last = new WeakMap<LiveSource, Planes>();

  constructor(frames: number, channels: number, { decoder, mean }: { decoder: Float32Array; mean: Float32Array }) {
    this.#frames = frames;
    this.#channels = channels;
    this.#mean = mean;
    this.#matrix = new Float32Array(TOKEN_VALUES * channels);
    for (let channel = 0; channel < channels; channel++) {
      const row = decoder.subarray(channel * TOKEN_VALUES, (channel + 1) * TOKEN_VALUES);
      const scale = 1 / row.reduce((sum, value) => sum + value * value, 0);
      for (const [value, weight] of row.entries()) this.#matrix[value * channels + channel] = weight * scale;
    }
  }

  /** Undefined where the pack's latent is of another kind. */
  static async open({ slice, latent }: Manifest, decoderPath: string | undefined): Promise<PictureEncoder | undefined> {
    const tokens = (slice.frames / PATCH_FRAMES) * GRID * GRID;
    if (decoderPath === undefined || latent.tokens !== tokens) return undefined;
    const found = readInitializers(await readFile(decoderPath), /^latent\.(decoder|mean)(\.half)?$/);
    const [decoder, mean] = ['latent.decoder', 'latent.mean'].map(
      (name) => found.get(name) ?? found.get(`${name}.half`),
    );
    if (decoder?.length !== latent.channels * TOKEN_VALUES || mean?.length !== TOKEN_VALUES) return undefined;
    return new PictureEncoder(slice.frames, latent.channels, { decoder, mean });
  }

  /** Latents of a slice that goes from the picture before to the newest one; undefined while there is none. */
  async newest(live: LiveSource): Promise<Float32Array | undefined> {
    const picture = await live.newest(PICTURE);
    if (picture === undefined) return undefined;
    const planes = planesOf(picture.frame);
    const before = this.#last.get(live) ?? planes;
    this.#last.set(live, planes);
    return this.encode(
      Array.from({ length: this.#frames }, (_, index) => mixed(before, planes, (index + 1) / this.#frames)),
    );
  }

  /** @param video one entry a frame of the slice */
  async encode(video: readonly Planes[]): Promise<Float32Array> {
    const tokens = (video.length / PATCH_FRAMES) * GRID * GRID;
    const latents = new Float32Array(tokens * this.#channels);
    for (let token = 0; token < tokens; token++) {
      if (token % TOKENS_AT_ONCE === 0) await nextTurn();
      this.#encodeToken(video, token, latents.subarray(token * this.#channels, (token + 1) * this.#channels));
    }
    return latents;
  }

  /** Tokens run over (part of the slice, row, column); their values over (frame, colour, y, x). */
  #encodeToken(video: readonly Planes[], token: number, out: Float32Array): void {
    const firstFrame = Math.floor(token / (GRID * GRID)) * PATCH_FRAMES;
    const top = (Math.floor(token / GRID) % GRID) * PATCH_PX;
    const left = (token % GRID) * PATCH_PX;
    for (let value = 0; value < TOKEN_VALUES; value++) {
      const x = left + (value % PATCH_PX);
      const y = top + (Math.floor(value / PATCH_PX) % PATCH_PX);
      const colour = Math.floor(value / (PATCH_PX * PATCH_PX)) % 3;
      const frame = firstFrame + Math.floor(value / (3 * PATCH_PX * PATCH_PX));
      const centered = (video[frame]?.[colour * PLANE + y * SIDE_PX + x] ?? 0) - (this.#mean[value] ?? 0);
      const row = this.#matrix.subarray(value * this.#channels, (value + 1) * this.#channels);
      for (let channel = 0; channel < row.length; channel++) out[channel]! += centered * row[channel]!;
    }
  }
}

/** @param frame I420 of 64 by 64, BT.601 limited range */
export function planesOf({ data, widthPx, heightPx }: I420Frame): Planes {
  const planes = new Float32Array(3 * PLANE);
  const lumaBytes = widthPx * heightPx;
  for (let pixel = 0; pixel < PLANE; pixel++) {
    const at = Math.floor(pixel / SIDE_PX) * 2 * widthPx + (pixel % SIDE_PX) * 2;
    const luma = (data[at]! + data[at + 1]! + data[at + widthPx]! + data[at + widthPx + 1]!) / 4;
    const [y, u, v] = [
      (luma - 16) / 219,
      (data[lumaBytes + pixel]! - 128) / 224,
      (data[lumaBytes + PLANE + pixel]! - 128) / 224,
    ];
    const colours = [y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u];
    for (const [colour, value] of colours.entries())
      planes[colour * PLANE + pixel] = Math.min(1, Math.max(0, value)) * 2 - 1;
  }
  return planes;
}

const mixed = (from: Planes, to: Planes, share: number): Planes =>
  from === to ? to : to.map((value, index) => value * share + from[index]! * (1 - share));
