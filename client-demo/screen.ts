/** The picture: the video, the glow on its frame, and a badge with the tier on screen. */
import type { PresentedFrame, Tier } from '../src/client/index.ts';
import { byId } from './element.ts';

export class Screen {
  readonly video = byId('video', HTMLVideoElement);
  readonly #frame = byId('screen', HTMLElement);
  readonly #badge = byId('badge', HTMLElement);
  readonly #ambient = byId('ambient', HTMLCanvasElement);

  #reconnecting = false;

  show(stream: MediaStream): void {
    this.#reconnecting = false;
    this.video.srcObject = stream;
    // Muted autoplay is allowed everywhere; a rejection means that the element was replaced meanwhile.
    this.video.play().catch(() => {});
  }

  present({ playing, widthPx, heightPx }: PresentedFrame): void {
    this.#frame.style.setProperty('--ratio', String(widthPx / heightPx));
    this.#ambient.getContext('2d')?.drawImage(this.video, 0, 0, this.#ambient.width, this.#ambient.height);
    if (playing && !this.#reconnecting)
      this.#label(playing.tier, `${playing.tier}${playing.variant === 'fast' ? ' fast' : ''} ${widthPx}×${heightPx}`);
  }

  /** The last frame stays, without a tier in the badge, until the next frame with a known tier. */
  reconnecting(reconnecting: boolean): void {
    this.#reconnecting = reconnecting;
    if (reconnecting) this.#label('', 'reconnecting');
  }

  #label(tier: Tier | '', text: string): void {
    if (this.#badge.textContent === text) return;
    this.#badge.hidden = false;
    this.#badge.textContent = text;
    this.#frame.dataset['tier'] = tier;
  }
}
