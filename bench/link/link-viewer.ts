/**
 * The viewer of the real link: one function that runs inside a page, the same for every server. All its media goes
 * through the relay: it names no candidate of its own, and the server's are rewritten to the relay's before it uses one.
 * Self-contained on purpose: it is handed to the browser as source text.
 */

export interface LinkViewerPlan {
  /** `ws://…/signal` */
  signalUrl: string;
  request: { prompt: string; seed: number; mode: 'live' };
  /** Of every so many frames the viewer keeps a patch of this size from the middle; see `bench/link/quality.ts`. */
  patch: { everyFrames: number; widthPx: number; heightPx: number; ofWidthPx: number; ofHeightPx: number };
}

export interface PresentedFrame {
  /** Number in the picture's bar code. */
  frame: number;
  /** Unix ms. */
  atMs: number;
  widthPx: number;
  heightPx: number;
}

export interface LinkViewing {
  /** `offer` sent → connected; null: never. */
  connectMs: number | null;
  /** `offer` sent → first frame presented; null: never. */
  firstFrameMs: number | null;
  presented: PresentedFrame[];
  /** RGB of the patches, three bytes a pixel, base64. */
  patches: { frame: number; rgb: string }[];
  /** What the server said of its estimate, and when (Unix ms). */
  targets: { atMs: number; targetBps: number; reason: string }[];
  /** The last of what the server said of itself: for Glimpse the session's `stats`. */
  server: Record<string, unknown> | null;
  /** The standard's counters for the incoming video, as the browser has them at the end. */
  inbound: Record<string, number>;
  /** `address:port` of the server's side of the pair in use. */
  remote: string | null;
}

/** What the page calls; given to it by the suite. */
interface LinkPage {
  /** The relay's address for a candidate of the server; null: that candidate is not to be used. */
  glimpseBenchRoute(this: void, address: string, port: number): Promise<{ address: string; port: number } | null>;
  /** Resolves when the scenario is over. */
  glimpseBenchOver(this: void): Promise<void>;
}

/* v8 ignore start -- runs in the browser */
export async function viewLink(plan: LinkViewerPlan): Promise<LinkViewing> {
  const { glimpseBenchRoute, glimpseBenchOver } = globalThis as unknown as LinkPage;
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  document.body.append(video);
  const canvas = document.createElement('canvas');
  canvas.width = 80;
  canvas.height = 72;
  const pixels = canvas.getContext('2d', { willReadFrequently: true });
  if (!pixels) throw new Error('no canvas');
  const unixMs = (at: number): number => performance.timeOrigin + at;

  const peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver('video', { direction: 'recvonly' });
  transceiver.receiver.jitterBufferTarget = 0;
  peer.addEventListener('track', ({ track }) => {
    video.srcObject = new MediaStream([track]);
  });

  /** The pattern's bar code (generation/bar-code.ts): 20 blocks across the top twelfth, the first 16 hold the number. */
  const readFrameNumber = (): number => {
    pixels.drawImage(video, 0, 0, 80, 72);
    const row = pixels.getImageData(0, 3, 80, 1).data;
    let number = 0;
    for (let bit = 0; bit < 16; bit++) number = number * 2 + ((row[(bit * 4 + 2) * 4 + 1] ?? 0) > 128 ? 1 : 0);
    return number;
  };
  const { everyFrames, widthPx, heightPx, ofWidthPx, ofHeightPx } = plan.patch;
  const patchPixels = new OffscreenCanvas(widthPx, heightPx).getContext('2d', { willReadFrequently: true });
  const patches: LinkViewing['patches'] = [];
  const keepPatch = (frame: number, width: number, height: number): void => {
    if (!patchPixels) return;
    const [wide, high] = [(width * widthPx) / ofWidthPx, (height * heightPx) / ofHeightPx];
    patchPixels.drawImage(video, (width - wide) / 2, (height - high) / 2, wide, high, 0, 0, widthPx, heightPx);
    const { data } = patchPixels.getImageData(0, 0, widthPx, heightPx);
    // The next frame may come between two looks at the element.
    if (readFrameNumber() !== frame) return;
    let rgb = '';
    for (let at = 0; at < data.length; at += 4) rgb += String.fromCharCode(data[at]!, data[at + 1]!, data[at + 2]!);
    patches.push({ frame, rgb: btoa(rgb) });
  };
  const presented: PresentedFrame[] = [];
  const onFrame: VideoFrameRequestCallback = (_now, { presentationTime, width, height }) => {
    const frame = readFrameNumber();
    if (frame % everyFrames === 0 && presented.at(-1)?.frame !== frame) keepPatch(frame, width, height);
    presented.push({ frame, atMs: unixMs(presentationTime), widthPx: width, heightPx: height });
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  /** A candidate as the relay's; undefined when it is not to be used. */
  const rewritten = async (candidate: string): Promise<string | undefined> => {
    const fields = candidate.split(' ');
    const [, , protocol = '', , address = '', port = ''] = fields;
    if (protocol.toLowerCase() !== 'udp' || !/^[\d.]+$/.test(address)) return undefined;
    const route = await glimpseBenchRoute(address, Number(port));
    if (!route) return undefined;
    fields[4] = route.address;
    fields[5] = String(route.port);
    return fields.join(' ');
  };
  const rewrittenSdp = async (sdp: string): Promise<string> => {
    const lines = await Promise.all(
      sdp.split('\r\n').map(async (line) => {
        if (!line.startsWith('a=candidate:')) return line;
        const candidate = await rewritten(line.slice(2));
        return candidate === undefined ? undefined : `a=${candidate}`;
      }),
    );
    return lines.filter((line) => line !== undefined).join('\r\n');
  };

  const socket = new WebSocket(plan.signalUrl);
  const send = (message: unknown) => socket.send(JSON.stringify(message));
  const targets: LinkViewing['targets'] = [];
  let server: LinkViewing['server'] = null;
  socket.addEventListener('message', async ({ data }) => {
    const message = JSON.parse(String(data));
    if (message.type === 'answer') {
      await peer.setRemoteDescription({ type: 'answer', sdp: await rewrittenSdp(message.sdp) });
    } else if (message.type === 'stats') {
      server = message.stats;
      const { targetBps, estimatorReason: reason = '' } = message.stats;
      targets.push({ atMs: unixMs(performance.now()), targetBps, reason });
    }
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  let connectedAt: number | undefined;
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'connected') connectedAt ??= performance.now();
  });

  const offer = await peer.createOffer();
  const offeredAt = performance.now();
  send({ type: 'offer', sdp: offer.sdp, request: plan.request });
  await peer.setLocalDescription(offer);
  await glimpseBenchOver();

  const inbound: Record<string, number> = {};
  let remote: string | null = null;
  const reports = await peer.getStats();
  for (const report of reports.values()) {
    if (report.type === 'inbound-rtp')
      for (const [key, value] of Object.entries(report)) if (typeof value === 'number') inbound[key] = value;
    if (report.type !== 'transport' || !report.selectedCandidatePairId) continue;
    const { remoteCandidateId } = reports.get(report.selectedCandidatePairId) ?? {};
    const { address, port } = reports.get(remoteCandidateId) ?? {};
    remote = `${address}:${port}`;
  }
  send({ type: 'bye' });
  peer.close();
  socket.close();
  video.remove();
  const first = presented[0];
  return {
    connectMs: connectedAt === undefined ? null : connectedAt - offeredAt,
    firstFrameMs: first ? first.atMs - unixMs(offeredAt) : null,
    presented,
    patches,
    targets,
    server,
    inbound,
    remote,
  };
}
/* v8 ignore stop */
