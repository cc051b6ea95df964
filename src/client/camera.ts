/** The page's camera: opened with permission errors by code, switched, turned off and on, and stopped if it is ours. */
import { GlimpseClientError, type ClientErrorCode } from './errors.ts';

/** `true`: the browser's choice of camera. A stream or track of the page's own is never stopped. */
export type CameraSource = boolean | MediaStream | MediaStreamTrack | MediaTrackConstraints;

/** Generators follow small pictures; more only costs the uplink. */
const USUAL: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30 } };

const CODES: Readonly<Record<string, ClientErrorCode>> = {
  NotAllowedError: 'CAMERA_DENIED',
  SecurityError: 'CAMERA_DENIED',
  NotFoundError: 'CAMERA_NOT_FOUND',
  OverconstrainedError: 'CAMERA_NOT_FOUND',
  NotReadableError: 'CAMERA_IN_USE',
  AbortError: 'CAMERA_IN_USE',
};

export class Camera {
  #track: MediaStreamTrack | undefined;
  /** Whether we opened the track, and so stop it. */
  #own = false;

  /** What is sent; undefined while there is no camera. */
  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  /**
   * Opens a camera, or takes the page's; the one before is stopped if it was ours.
   * @throws GlimpseClientError CAMERA_DENIED, CAMERA_NOT_FOUND, CAMERA_IN_USE, CAMERA_UNAVAILABLE
   */
  async open(source: CameraSource): Promise<MediaStreamTrack | undefined> {
    const given = givenTrack(source);
    const track = source === false ? undefined : (given ?? (await ask(source)));
    this.close();
    this.#own = track !== undefined && given === undefined;
    this.#track = track;
    return track;
  }

  /** Off: black pictures are sent, and the device stays open. */
  set enabled(enabled: boolean) {
    if (this.#track) this.#track.enabled = enabled;
  }

  close(): void {
    if (this.#own) this.#track?.stop();
    this.#track = undefined;
  }
}

function givenTrack(source: CameraSource): MediaStreamTrack | undefined {
  if (typeof source === 'boolean') return undefined;
  if ('getVideoTracks' in source) return source.getVideoTracks()[0];
  return 'kind' in source ? source : undefined;
}

async function ask(source: CameraSource): Promise<MediaStreamTrack> {
  const devices = globalThis.navigator?.mediaDevices;
  if (devices === undefined || (typeof source === 'object' && 'getVideoTracks' in source))
    throw new GlimpseClientError('CAMERA_UNAVAILABLE', 'There is no camera: pages get one over HTTPS or on localhost.');
  const video = typeof source === 'object' ? (source as MediaTrackConstraints) : USUAL;
  try {
    const [track] = (await devices.getUserMedia({ video })).getVideoTracks();
    if (track) return track;
  } catch (cause) {
    const code = CODES[cause instanceof Error ? cause.name : ''] ?? 'CAMERA_UNAVAILABLE';
    throw new GlimpseClientError(code, 'The camera could not be opened.', { cause, retryable: true });
  }
  throw new GlimpseClientError('CAMERA_NOT_FOUND', 'The camera has no video.');
}
