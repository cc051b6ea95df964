/**
 * What happens in the demo page, as the page itself sees it: what it asks, what the server says of it, and which frames are
 * on the glass. `record` runs in the page before its own scripts, and is handed to the browser as source text.
 */

export interface PageRecord {
  /** Prompts as they leave the page, in order; the first one is the connection's own. */
  asked: { atMs: number }[];
  /** What the server says is sent, in order. */
  playing: { revision: number; slice: number; tier: string; variant?: string; rtpTimestamp: number }[];
  /** Frames as they are presented. */
  frames: { rtpTimestamp: number; atMs: number }[];
}

/** Where the record is kept in the page. */
export const RECORD = 'glimpseRecord';

/* v8 ignore start -- runs in the browser */
export function record(name: string): void {
  const made: PageRecord = { asked: [], playing: [], frames: [] };
  Object.assign(window, { [name]: made });
  const Original = WebSocket;
  class Recorded extends Original {
    constructor(...args: ConstructorParameters<typeof Original>) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data));
        if (message.type === 'playing') made.playing.push(message);
      });
    }

    override send(data: string): void {
      const { type, request } = JSON.parse(data);
      // An offer without a request is an old session's.
      if ((type === 'offer' && request) || type === 'prompt') made.asked.push({ atMs: performance.now() });
      super.send(data);
    }
  }
  Object.assign(window, { WebSocket: Recorded });
  addEventListener('DOMContentLoaded', () => {
    const video = document.querySelector('video');
    const onFrame: VideoFrameRequestCallback = (_now, { rtpTimestamp, presentationTime }) => {
      if (rtpTimestamp !== undefined) made.frames.push({ rtpTimestamp, atMs: presentationTime });
      video?.requestVideoFrameCallback(onFrame);
    };
    video?.requestVideoFrameCallback(onFrame);
  });
}
/* v8 ignore stop */
