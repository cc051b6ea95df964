/**
 * A peer that answers a browser's offer with a moving synthetic picture, over libwebrtc in Node. For tests of the
 * client alone, where the service's own media path must not matter.
 */
import wrtc from '@roamhq/wrtc';

const FRAME_INTERVAL_MS = 80;
const WIDTH_PX = 128;
const HEIGHT_PX = 128;

export class SyntheticVideoPeer {
  readonly #connection = new wrtc.RTCPeerConnection();
  readonly #source = new wrtc.nonstandard.RTCVideoSource();
  readonly #track = this.#source.createTrack();
  #timer: ReturnType<typeof setInterval> | undefined;
  #frame = 0;
  #onGathered = (): void => {};

  constructor() {
    this.#connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) this.#onGathered();
    };
    this.#connection.addTrack(this.#track);
  }

  /**
   * The answer with all candidates, as the service's own. Undefined when it was closed on the way: libwebrtc then has no
   * description, or throws.
   */
  async answer(offerSdp: string): Promise<string | undefined> {
    try {
      await this.#connection.setRemoteDescription({ type: 'offer', sdp: offerSdp });
      const gathered = new Promise<void>((resolve) => (this.#onGathered = resolve));
      await this.#connection.setLocalDescription(await this.#connection.createAnswer());
      await gathered;
    } catch (error) {
      if (this.#connection.signalingState === 'closed') return undefined;
      throw error;
    }
    if (this.#connection.signalingState === 'closed') return undefined;
    this.#timer ??= setInterval(() => this.#draw(), FRAME_INTERVAL_MS);
    return this.#connection.localDescription?.sdp || undefined;
  }

  async addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    await this.#connection.addIceCandidate(candidate);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#track.stop();
    this.#connection.close();
    this.#onGathered();
  }

  /** A sky, a meadow and a ball that bounces: enough to tell a picture from a black frame. */
  #draw(): void {
    const data = new Uint8Array((WIDTH_PX * HEIGHT_PX * 3) / 2);
    const chroma = WIDTH_PX * HEIGHT_PX;
    const quarter = chroma / 4;
    const ballX = 64 + 40 * Math.sin(this.#frame / 12);
    const ballY = 70 - Math.abs(34 * Math.sin(this.#frame / 7));
    for (let y = 0; y < HEIGHT_PX; y++) {
      for (let x = 0; x < WIDTH_PX; x++) {
        const ball = (x - ballX) ** 2 + (y - ballY) ** 2 < 180;
        const meadow = y > 84;
        data[y * WIDTH_PX + x] = ball ? 110 : meadow ? 120 - (y - 84) : 200 - y;
        const pixel = (y >> 1) * (WIDTH_PX / 2) + (x >> 1);
        data[chroma + pixel] = ball ? 90 : meadow ? 90 : 150;
        data[chroma + quarter + pixel] = ball ? 220 : meadow ? 105 : 118;
      }
    }
    this.#frame++;
    this.#source.onFrame({ width: WIDTH_PX, height: HEIGHT_PX, data });
  }
}
