/**
 * The caller of the call bench: one function that runs inside a page, the same for every server it connects to. Paints
 * numbered pictures as a camera, sends them, and reads the numbers off what comes back. Self-contained on purpose: it is
 * handed to the browser as source text.
 */
export interface CallPlan {
  /** Takes the offer by POST, as `application/sdp`, and answers with the answer: WHEP's own way. */
  url: string;
  widthPx: number;
  heightPx: number;
  fps: number;
  /** How long to look after the first number came back, ms. */
  watchMs: number;
  /** How long the first number may take, ms. */
  patienceMs: number;
  /** Default: what the browser prefers of what the server takes. */
  codec?: string;
}

export interface CallResult {
  /** Offer sent → first number back on screen, ms. */
  firstMs: number;
  /** Painted → presented, ms, for each number that came back. */
  mirrorMs: number[];
  painted: number;
}

/* v8 ignore start -- runs in the browser */
export async function call(plan: CallPlan): Promise<CallResult> {
  const { widthPx, heightPx } = plan;
  const paint = Object.assign(document.createElement('canvas'), { width: widthPx, height: heightPx });
  const brush = paint.getContext('2d')!;
  const stream = paint.captureStream(0);
  const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
  const paintedAt = new Map<number, number>();
  // The pattern that is shown before the camera comes has numbers too: far below these.
  let number = 30_000;
  /** The test pattern's bar code (generation/pattern/bar-code.ts): 20 blocks across the top twelfth. */
  const paintNext = (): void => {
    number = (number + 1) % 65_536;
    brush.fillStyle = `hsl(${(number * 3) % 360} 40% 50%)`;
    brush.fillRect(0, 0, widthPx, heightPx);
    const digits = number ^ (number >>> 4) ^ (number >>> 8) ^ (number >>> 12);
    const bits = (number << 4) | ((digits ^ 0b1010) & 0b1111);
    for (let block = 0; block < 20; block++) {
      brush.fillStyle = (bits >>> (19 - block)) & 1 ? '#fff' : '#000';
      brush.fillRect((block * widthPx) / 20, 0, widthPx / 20 + 1, heightPx / 10);
    }
    paintedAt.set(number, performance.now());
    track!.requestFrame();
  };
  const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
  document.body.append(video);
  const pixels = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  Object.assign(pixels.canvas, { width: 80, height: 72 });
  const readNumber = (): number | undefined => {
    pixels.drawImage(video, 0, 0, 80, 72);
    const row = pixels.getImageData(0, 3, 80, 1).data;
    let bits = 0;
    for (let block = 0; block < 20; block++) bits = bits * 2 + ((row[(block * 4 + 2) * 4 + 1] ?? 0) > 128 ? 1 : 0);
    const found = bits >>> 4;
    const check = found ^ (found >>> 4) ^ (found >>> 8) ^ (found >>> 12);
    return (bits & 0b1111) === ((check ^ 0b1010) & 0b1111) ? found : undefined;
  };
  const peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver(track!, { direction: 'sendrecv', streams: [stream] });
  transceiver.receiver.jitterBufferTarget = 0;
  if (plan.codec !== undefined) {
    const { codecs } = RTCRtpReceiver.getCapabilities('video')!;
    transceiver.setCodecPreferences(
      codecs.filter(({ mimeType }) => [`video/${plan.codec}`, 'video/rtx'].includes(mimeType)),
    );
  }
  peer.addEventListener('track', ({ track }) => (video.srcObject = new MediaStream([track])));
  const mirrorMs: number[] = [];
  let last = -1;
  let onFirst = (_at: number): void => {};
  const first = new Promise<number>((resolve) => (onFirst = resolve));
  const onFrame: VideoFrameRequestCallback = (_now, { presentationTime }) => {
    const found = readNumber();
    const at = found === undefined ? undefined : paintedAt.get(found);
    if (found !== undefined && found !== last && at !== undefined) {
      mirrorMs.push(presentationTime - at);
      last = found;
      onFirst(presentationTime);
    }
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  const ticking = setInterval(paintNext, 1_000 / plan.fps);
  try {
    await peer.setLocalDescription();
    const offeredAt = performance.now();
    const response = await fetch(plan.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: peer.localDescription!.sdp,
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('no number came back')), plan.patienceMs),
    );
    const firstAt = await Promise.race([first, late]);
    mirrorMs.length = 0;
    await new Promise((resolve) => setTimeout(resolve, plan.watchMs));
    return { firstMs: firstAt - offeredAt, mirrorMs: [...mirrorMs], painted: paintedAt.size };
  } finally {
    clearInterval(ticking);
    peer.close();
    video.remove();
  }
}
/* v8 ignore stop */
