/**
 * Reports each frame that a video element presents, with the slice and tier it shows. Based on
 * requestVideoFrameCallback; a browser without it reports nothing.
 */
import type { PlayingEvent } from './options.ts';

export interface PresentedFrame {
  /** When the frame is expected on the display, on `performance.now()`'s clock, ms. */
  presentedAtMs: number;
  /** When its last packet arrived, same clock, ms; undefined where the browser does not report it. */
  receivedAtMs: number | undefined;
  /** 90 kHz, 32-bit; undefined where the browser does not report it. */
  rtpTimestamp: number | undefined;
  /** Frames presented since the element began; gaps are dropped frames. */
  presentedFrames: number;
  widthPx: number;
  heightPx: number;
  /** What the frame shows; undefined until the server's event for it has arrived. */
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
