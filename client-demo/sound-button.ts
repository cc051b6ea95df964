/**
 * Sound on and off, for this viewer alone. Hidden where the stream has no sound. Sound is off until the viewer asks for
 * it: browsers start no sound without a click.
 */
import { byId } from './element.ts';

export class SoundButton {
  readonly #button = byId('sound', HTMLButtonElement);
  readonly #video: HTMLVideoElement;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.#button.addEventListener('click', () => {
      video.muted = !video.muted;
      // A browser that refuses sound pauses the element: then it goes on without.
      video.play().catch(() => {
        video.muted = true;
        void video.play().catch(() => {});
      });
    });
    video.addEventListener('volumechange', () => this.#show());
    this.#show();
  }

  /** @param available whether the stream has sound */
  offer(available: boolean): void {
    this.#button.hidden = !available;
  }

  #show(): void {
    const { muted } = this.#video;
    this.#button.setAttribute('aria-pressed', String(!muted));
    this.#button.setAttribute('aria-label', muted ? 'Turn sound on' : 'Turn sound off');
  }
}
