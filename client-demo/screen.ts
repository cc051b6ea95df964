/** The picture: the video, the light it throws on its frame, and a badge with the tier that is really on the glass. */
import type { PresentedFrame, Tier } from '../src/client/index.ts';
import { byId } from './element.ts';

export class Screen {
  readonly video = byId('video', HTMLVideoElement);
  readonly #frame = byId('screen', HTMLElement);
  readonly #badge = byId('badge', HTMLElement);
  readonly #ambient = byId('ambient', HTMLCanvasElement);

  show(stream: MediaStream): void {
    this.video.srcObject = stream;
    // Muted autoplay is allowed everywhere; a refusal means that the element was replaced meanwhile.
    this.video.play().catch(() => {});
  }

  present({ playing, widthPx, heightPx }: PresentedFrame): void {
    this.#frame.style.setProperty('--ratio', String(widthPx / heightPx));
    this.#ambient.getContext('2d')?.drawImage(this.video, 0, 0, this.#ambient.width, this.#ambient.height);
    if (playing) this.#label(playing.tier, `${widthPx}×${heightPx}`);
  }

  #label(tier: Tier, size: string): void {
    const text = `${tier} ${size}`;
    if (this.#badge.textContent === text) return;
    this.#badge.hidden = false;
    this.#badge.textContent = text;
    this.#frame.dataset['tier'] = tier;
  }
}
