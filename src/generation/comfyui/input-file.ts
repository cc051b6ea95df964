/**
 * The image or video that an operator names for image-to-video and video-to-video. It is checked by its first bytes and
 * uploaded once to each server. Its path comes from the service's command line, never from a viewer.
 */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { GlimpseError } from '../../errors.ts';
import { untilAborted } from '../../lifetime/until-aborted.ts';
import { mediaTypeOf } from '../../media/decode/input-media.ts';
import type { ComfyClient } from './server/client.ts';

/** Enough for pictures of a phone, and for 20 s of video at 40 Mbit/s. */
const IMAGE_MAX_BYTES = 10 * 1024 * 1024;
const VIDEO_MAX_BYTES = 100 * 1024 * 1024;

type Kind = 'image' | 'video';

export class InputFile {
  readonly kind: Kind;
  readonly #data: Uint8Array;
  readonly #mediaType: string;
  readonly #name: string;
  readonly #uploaded = new WeakMap<ComfyClient, Promise<string>>();

  private constructor(kind: Kind, mediaType: string, name: string, data: Uint8Array) {
    this.kind = kind;
    this.#mediaType = mediaType;
    this.#name = name;
    this.#data = data;
  }

  /** @throws GlimpseError CONFIG_INVALID when it is unreadable, too large, or neither PNG, JPEG, WebP nor MP4 */
  static async read(path: string): Promise<InputFile> {
    const { size } = await stat(path).catch((cause: unknown) => {
      throw new GlimpseError('CONFIG_INVALID', { message: `--comfyui-input: cannot read ${path}`, cause });
    });
    if (size > VIDEO_MAX_BYTES) throw tooLarge(VIDEO_MAX_BYTES);
    const data = new Uint8Array(await readFile(path));
    const mediaType = mediaTypeOf(data);
    if (mediaType === undefined)
      throw new GlimpseError('CONFIG_INVALID', { message: '--comfyui-input needs a PNG, JPEG, WebP or MP4 file' });
    const kind = mediaType.startsWith('image/') ? 'image' : 'video';
    if (kind === 'image' && data.length > IMAGE_MAX_BYTES) throw tooLarge(IMAGE_MAX_BYTES);
    return new InputFile(kind, mediaType, `glimpse-input${extname(path).toLowerCase()}`, data);
  }

  /**
   * The server's name for the file; uploads it the first time. All callers share one upload: `signal` ends only the
   * caller's wait.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN
   */
  nameAt(client: ComfyClient, signal: AbortSignal): Promise<string> {
    return untilAborted(this.#uploaded.get(client) ?? this.#upload(client), signal);
  }

  #upload(client: ComfyClient): Promise<string> {
    const upload = { name: this.#name, data: this.#data, mediaType: this.#mediaType, folder: 'input' } as const;
    const uploaded = client.upload(upload);
    this.#uploaded.set(client, uploaded);
    uploaded.catch(() => this.#uploaded.delete(client));
    return uploaded;
  }
}

const tooLarge = (maxBytes: number): GlimpseError =>
  new GlimpseError('CONFIG_INVALID', { message: `--comfyui-input is larger than ${maxBytes / 2 ** 20} MiB` });
