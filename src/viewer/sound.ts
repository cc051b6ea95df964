/** Carries a stream's sound to one viewer's send path, at the rate that the control loop sets. */
import type { SoundRateBps } from '../congestion/sound-rate.ts';
import type { Listener } from '../media/audio/shared-opus.ts';
import type { StreamSound } from '../stream/sound/stream-sound.ts';
import type { VideoSender } from '../transport/video-sender.ts';

export class ViewerSound {
  readonly #sound: StreamSound | undefined;
  readonly #listener: Listener;
  #sender: VideoSender | undefined;
  #stop: (() => void) | undefined;

  /** @param sound undefined for a stream without */
  constructor(sound: StreamSound | undefined) {
    this.#sound = sound;
    this.#listener = { rateBps: 32_000, onPacket: (packet) => this.#sender?.sendSound(packet) };
  }

  /** Rate of Opus from the next frame on. */
  set rateBps(rateBps: SoundRateBps) {
    this.#listener.rateBps = rateBps;
  }

  /** Starts or continues sending on a connected path, if the viewer takes sound. */
  attach(sender: VideoSender): void {
    this.detach();
    if (!sender.takesSound) return;
    this.#sender = sender;
    this.#stop = this.#sound?.listen(this.#listener);
  }

  detach(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#sender = undefined;
  }
}
