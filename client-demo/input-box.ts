/**
 * The picture or video for the stream to begin from or to follow: chosen or dropped, uploaded, and shown as a
 * thumbnail. Visible only if the generator supports input. Errors appear in the box itself.
 */
import { GlimpseClientError } from '../src/client/index.ts';
import type { UploadedInput, Welcome } from '../src/client/index.ts';
import { byId } from './element.ts';
import { errorWords } from './error-words.ts';

type Taken = NonNullable<Welcome['generator']['input']>;

const KINDS = {
  image: {
    types: ['image/png', 'image/jpeg', 'image/webp'],
    choose: 'Choose a picture',
    hint: 'to begin from, or drop one here: PNG, JPEG or WebP',
    refused: 'This takes a PNG, JPEG or WebP picture.',
  },
  video: {
    types: ['video/mp4'],
    choose: 'Choose a video',
    hint: 'to follow, or drop one here: MP4, up to 20 s',
    refused: 'This takes an MP4 video.',
  },
} as const;

export interface InputBoxListener {
  upload: (file: File, signal: AbortSignal) => Promise<UploadedInput>;
  /** The server can delete the upload. */
  remove: (id: string) => Promise<void>;
  /** An input was added or removed. */
  onChange: () => void;
}

export class InputBox {
  readonly #listener: InputBoxListener;
  readonly #box = byId('input-box', HTMLElement);
  readonly #file = byId('input-file', HTMLInputElement);
  readonly #label = byId('input-label', HTMLElement);
  readonly #words = byId('input-words', HTMLElement);
  readonly #preview = byId('input-preview', HTMLElement);
  readonly #remove = byId('input-remove', HTMLButtonElement);
  #taken: Taken | undefined;
  #id: string | undefined;
  #uploading = new AbortController();

  constructor(listener: InputBoxListener) {
    this.#listener = listener;
    this.#file.addEventListener('change', () => this.#take(this.#file.files?.[0]));
    this.#remove.addEventListener('click', () => {
      this.clear();
      listener.onChange();
    });
    document.addEventListener('dragover', (event) => this.#drag(event, true));
    document.addEventListener('dragleave', (event) => this.#drag(event, false));
    document.addEventListener('drop', (event) => {
      this.#drag(event, false);
      if (this.#taken) this.#take(event.dataTransfer?.files[0]);
    });
  }

  /** Id of the upload that the next stream begins from. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Text for a required input that is missing. */
  get missing(): string | undefined {
    return this.#taken?.needed === true && this.#id === undefined
      ? `${KINDS[this.#taken.kind].choose} first.`
      : undefined;
  }

  offer({ generator: { input } }: Welcome): void {
    if (input?.kind === this.#taken?.kind && this.#taken) return;
    this.#taken = input;
    this.#box.hidden = input === undefined;
    if (!input) return;
    this.#file.accept = KINDS[input.kind].types.join(',');
    this.clear();
  }

  /** Clears the input. @param words the reason */
  clear(words?: string): void {
    this.#uploading.abort();
    this.#hold(undefined);
    this.#show(undefined);
    this.#say(words);
  }

  #take(file: File | undefined): void {
    // Lets a second choice of the same file also fire `change`.
    this.#file.value = '';
    if (!file || !this.#taken) return;
    const { types, refused } = KINDS[this.#taken.kind];
    if (!types.some((type) => type === file.type)) return this.#say(refused);
    const { maxBytes = Infinity } = this.#taken;
    if (file.size > maxBytes) return this.#say(`That file is larger than ${maxBytes / 2 ** 20} MiB.`);
    void this.#bring(file);
  }

  async #bring(file: File): Promise<void> {
    this.#uploading.abort();
    const { signal } = (this.#uploading = new AbortController());
    this.#words.textContent = `Uploading ${file.name}…`;
    this.#box.dataset['state'] = 'busy';
    try {
      const { id } = await this.#listener.upload(file, signal);
      if (signal.aborted) return;
      this.#hold(id);
    } catch (error) {
      // The previous input still applies.
      if (!signal.aborted) this.#say(error instanceof GlimpseClientError ? errorWords(error) : String(error));
      return;
    }
    this.#show(file);
    this.#say();
    this.#listener.onChange();
  }

  #hold(id: string | undefined): void {
    // An upload that cannot be deleted expires.
    if (this.#id !== undefined) this.#listener.remove(this.#id).catch(() => {});
    this.#id = id;
  }

  /** An error, or what the viewer should do. */
  #say(failure?: string): void {
    if (!this.#taken) return;
    const { choose, hint } = KINDS[this.#taken.kind];
    this.#box.dataset['state'] = failure === undefined ? '' : 'failed';
    this.#label.textContent = this.#id === undefined ? choose : 'Choose another';
    this.#words.textContent = failure ?? (this.#id === undefined ? hint : (this.#preview.title ?? ''));
  }

  #show(file: File | undefined): void {
    const shown = this.#preview.firstElementChild;
    if (shown instanceof HTMLImageElement || shown instanceof HTMLVideoElement) URL.revokeObjectURL(shown.src);
    this.#preview.title = file?.name ?? '';
    this.#remove.hidden = file === undefined;
    if (!file) return this.#preview.replaceChildren();
    const picture = document.createElement(file.type.startsWith('video/') ? 'video' : 'img');
    picture.src = URL.createObjectURL(file);
    picture.setAttribute('alt', '');
    this.#preview.replaceChildren(picture);
  }

  /** Without this the browser opens a dropped file instead of the page. */
  #drag(event: DragEvent, over: boolean): void {
    if (!this.#taken || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.#box.classList.toggle('over', over);
  }
}
