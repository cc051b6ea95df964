/**
 * `glimpse-client`: the browser SDK, a package of its own. No dependency and no Node import; only types come from the service.
 */
export { connect } from './connect.ts';
export { roomFromLink, roomLink } from './room-link.ts';
export { removeInput, uploadInput } from './upload-input.ts';
export type { UploadedInput, UploadOptions } from './upload-input.ts';
export { GlimpseClientError } from './errors.ts';
export type { CameraErrorCode, ClientErrorCode } from './errors.ts';
export type { CameraSource } from './camera.ts';
export type { PresentedFrame } from './frames.ts';
export type { Live } from './live.ts';
export type {
  Interpolation,
  LiveEvents,
  LiveState,
  PromptChange,
  Quality,
  Stats,
  Steering,
  Transition,
} from './live-events.ts';
export type {
  Accepted,
  ConnectOptions,
  Mode,
  PlayingEvent,
  ProgressEvent,
  Right,
  RoomEvent,
  RoomOptions,
  SteeredEvent,
  Tier,
  TierEvent,
  Welcome,
} from './options.ts';
export { rtpDistance } from './playing-log.ts';
