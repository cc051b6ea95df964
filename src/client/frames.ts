/**
 * What is really on the glass: each frame a video element presents, with the slice and tier it shows. Built on
 * requestVideoFrameCallback; where a browser lacks it, nothing is reported.
 */
import type { PlayingEvent } from './options.ts';

export interface PresentedFrame {
  /** When the frame is expected on the display, on `performance.now()`'s clock, ms. */
  presentedAtMs: number;
  /** When its last packet arrived, same clock, ms; undefined where the browser does not say. */
  receivedAtMs: number | undefined;
  /** 90 kHz, 32-bit; undefined where the browser does not say. */
  rtpTimestamp: number | undefined;
  /** Frames presented since the element began; gaps are frames that were dropped. */
  presentedFrames: number;
  widthPx: number;
  heightPx: number;
  /** What the frame shows; undefined until the server's word for it has arrived. */
  playing: PlayingEvent | undefined;
}

/** Calls `onFrame` for each frame `video` presents; returns the function that stops it. */
export function observeFrames(
  video: HTMLVideoElement,
  playingAt: (rtpTimestamp: number | undefined) => PlayingEvent | undefined,
  onFrame: (frame: PresentedFrame) => void,
): () => void {
  if (!('requestVideoFrameCallback' in video)) return () => {};
  let handle = 0;
  const next = () => {
    handle = video.requestVideoFrameCallback((_now, frame) => {
      next();
      onFrame({
        presentedAtMs: frame.expectedDisplayTime,
        receivedAtMs: frame.receiveTime,
        rtpTimestamp: frame.rtpTimestamp,
        presentedFrames: frame.presentedFrames,
        widthPx: frame.width,
        heightPx: frame.height,
        playing: playingAt(frame.rtpTimestamp),
      });
    });
  };
  next();
  return () => video.cancelVideoFrameCallback(handle);
}
