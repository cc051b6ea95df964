/**
 * The viewer of the latency bench: one function that runs inside a page, the same for every server it connects to.
 * Self-contained on purpose: it is handed to the browser as source text.
 */

export interface ViewerPlan {
  /** `ws://…/signal` */
  signalUrl: string;
  request: { prompt: string; seed: number; mode: 'live' };
  /** Prompts to steer to, one after another, once the picture stands. */
  steerTo: string[];
  /** How long to watch after the first frame, before and after each steering, ms. */
  watchMs: number;
  /** How long a connection or its first picture may take, ms; then the viewer gives up with an error. */
  patienceMs: number;
  /** Read the frame number of the test pattern out of every picture. */
  readBarCode: boolean;
}

export interface ViewerResult {
  /** `offer` sent → connection state `connected`. */
  connectMs: number;
  /** `offer` sent → first frame presented. */
  firstFrameMs: number;
  /** Frames of the test pattern: number in the picture and Unix ms at which it was presented. */
  presented: { frame: number; atMs: number }[];
  /** Prompt sent → first frame of it presented, for each of `steerTo`. */
  steerMs: number[];
  framesPresented: number;
  watchedMs: number;
  freezes: number;
}

/* v8 ignore start -- runs in the browser */
export async function view(plan: ViewerPlan): Promise<ViewerResult> {
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  document.body.append(video);
  const canvas = document.createElement('canvas');
  const pixels = canvas.getContext('2d', { willReadFrequently: true });
  if (!pixels) throw new Error('no canvas');

  const peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver('video', { direction: 'recvonly' });
  transceiver.receiver.jitterBufferTarget = 0;
  peer.addEventListener('track', ({ track }) => {
    video.srcObject = new MediaStream([track]);
  });

  const presented: { frame: number; atMs: number }[] = [];
  const looks: { look: number[]; at: number }[] = [];
  let framesPresented = 0;
  let onFirstFrame = (_at: number) => {};
  const firstFrame = new Promise<number>((resolve) => (onFirstFrame = resolve));

  /** The pattern's bar code (generation/bar-code.ts): 20 blocks across the top twelfth, the first 16 hold the number. */
  const readFrameNumber = (): number => {
    canvas.width = 80;
    canvas.height = 72;
    pixels.drawImage(video, 0, 0, 80, 72);
    const row = pixels.getImageData(0, 3, 80, 1).data;
    let number = 0;
    for (let bit = 0; bit < 16; bit++) number = number * 2 + ((row[(bit * 4 + 2) * 4 + 1] ?? 0) > 128 ? 1 : 0);
    return number;
  };
  /** A coarse look at the picture: enough to tell one scene from another. */
  const look = (): number[] => {
    canvas.width = 4;
    canvas.height = 4;
    pixels.drawImage(video, 0, 0, 4, 4);
    return [...pixels.getImageData(0, 0, 4, 4).data].filter((_, index) => index % 4 !== 3);
  };
  const onFrame: VideoFrameRequestCallback = (_now, metadata) => {
    framesPresented++;
    onFirstFrame(metadata.presentationTime);
    if (plan.readBarCode)
      presented.push({ frame: readFrameNumber(), atMs: performance.timeOrigin + metadata.presentationTime });
    else looks.push({ look: look(), at: metadata.presentationTime });
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  const socket = new WebSocket(plan.signalUrl);
  const send = (message: unknown) => socket.send(JSON.stringify(message));
  const early: unknown[] = [];
  let answered = false;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data));
    if (message.type === 'answer') {
      answered = true;
      void peer.setRemoteDescription({ type: 'answer', sdp: message.sdp }).then(() => {
        for (const candidate of early.splice(0)) void peer.addIceCandidate(candidate as RTCIceCandidateInit);
      });
    } else if (message.type === 'candidate' && message.candidate) {
      if (answered) void peer.addIceCandidate(message.candidate);
      else early.push(message.candidate);
    } else if (message.type === 'error') throw new Error(`${message.code}: ${message.message}`);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const connected = new Promise<number>((resolve) =>
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connected') resolve(performance.now());
    }),
  );
  peer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate && socket.readyState === WebSocket.OPEN) send({ type: 'candidate', candidate });
  });

  const offer = await peer.createOffer();
  const offeredAt = performance.now();
  send({ type: 'offer', sdp: offer.sdp, request: plan.request });
  await peer.setLocalDescription(offer);
  const within = <T>(what: string, event: Promise<T>): Promise<T> =>
    Promise.race([
      event,
      sleep(plan.patienceMs).then(() => Promise.reject(new Error(`${what} within ${plan.patienceMs} ms`))),
    ]);
  const connectMs = (await within('no connection', connected)) - offeredAt;
  const firstAt = await within('no picture', firstFrame);

  /** Waits until the picture looks like another scene than `before`; the time it was presented. */
  const sceneChange = async (before: number[]): Promise<number> => {
    for (let seen = looks.length, tries = 0; tries < 2000; tries++) {
      for (; seen < looks.length; seen++) {
        const entry = looks[seen];
        if (!entry) continue;
        const difference =
          entry.look.reduce((sum, value, i) => sum + Math.abs(value - (before[i] ?? 0)), 0) / entry.look.length;
        if (difference > 24) return entry.at;
      }
      await sleep(2);
    }
    throw new Error('the picture never changed');
  };
  await sleep(plan.watchMs);
  const steerMs: number[] = [];
  for (const prompt of plan.steerTo) {
    const before = looks.at(-1)?.look ?? [];
    const sentAt = performance.now();
    send({ type: 'prompt', prompt, seed: plan.request.seed });
    steerMs.push((await sceneChange(before)) - sentAt);
    await sleep(plan.watchMs);
  }
  const watchedMs = performance.now() - firstAt;
  let freezes = 0;
  for (const report of (await peer.getStats()).values())
    if (report.type === 'inbound-rtp') freezes = report.freezeCount ?? 0;
  send({ type: 'bye' });
  peer.close();
  socket.close();
  video.remove();
  return { connectMs, firstFrameMs: firstAt - offeredAt, presented, steerMs, framesPresented, watchedMs, freezes };
}
/* v8 ignore stop */
