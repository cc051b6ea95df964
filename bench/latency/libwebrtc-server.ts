/**
 * The peer of the latency bench: the same generator, timeline and playout, sent by libwebrtc (@roamhq/wrtc) instead of
 * our transport, behind the same signaling messages. What differs is what is measured.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import wrtc from '@roamhq/wrtc';
import { WebSocketServer, type WebSocket } from 'ws';
import { systemClock } from '../../src/clock.ts';
import type { Generator } from '../../src/generation/generator.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { ladder } from '../../src/picture/rungs.ts';
import { scaleI420 } from '../../src/media/encode/scale.ts';
import { FROM_NOISE } from '../../src/stream/steering.ts';
import { Revisions } from '../../src/stream/revisions/revisions.ts';
import { Playout } from '../../src/stream/timeline/playout.ts';
import { PlayoutReader } from '../../src/stream/timeline/playout-reader.ts';
import { Timeline } from '../../src/stream/timeline/timeline.ts';

export interface PeerServerHooks {
  /** A frame is ready and goes to libwebrtc now. */
  onFrame(frame: I420Frame): void;
  /** Milliseconds from an accepted prompt to its first frame handed over, and to its best tier. */
  onLatency(name: 'timeToDraftMs' | 'timeToRefinedMs', ms: number): void;
}

export interface PeerServerOptions {
  /** Instead of libwebrtc's own limit, which goes by the size of the picture. */
  maxBitrateBps?: number | undefined;
  /** Sends `{type: 'stats', stats: {targetBps}}`, its estimate, this often. */
  statsIntervalMs?: number | undefined;
}

interface SignalMessage {
  type: string;
  sdp?: string;
  candidate?: RTCIceCandidateInit;
  prompt?: string;
  seed?: number;
  request?: { prompt: string; seed: number };
}

/** Serves `/signal` on a free loopback port; returns its URL. */
export async function startLibwebrtcServer(
  generator: Generator,
  hooks: PeerServerHooks,
  options: PeerServerOptions = {},
): Promise<string> {
  const http = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>bench</title>'),
  );
  const scheduler = new Scheduler({ clock: systemClock });
  const sockets = new WebSocketServer({ server: http, path: '/signal' });
  sockets.on('connection', (socket) => new LibwebrtcSession(socket, generator, scheduler, hooks, options));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

class LibwebrtcSession {
  readonly #socket: WebSocket;
  readonly #peer = new wrtc.RTCPeerConnection();
  readonly #source = new wrtc.nonstandard.RTCVideoSource();
  readonly #generator: Generator;
  readonly #hooks: PeerServerHooks;
  readonly #options: PeerServerOptions;
  readonly #timeline: Timeline;
  readonly #playout: Playout;
  readonly #reader: PlayoutReader;
  readonly #revisions: Revisions;
  readonly #shown = { draft: -1, best: -1 };
  #timer: NodeJS.Timeout | undefined;
  #statsTimer: NodeJS.Timeout | undefined;
  #connected = false;

  constructor(
    socket: WebSocket,
    generator: Generator,
    scheduler: Scheduler,
    hooks: PeerServerHooks,
    options: PeerServerOptions,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#generator = generator;
    this.#hooks = hooks;
    const { slice, tiers } = generator.info;
    this.#timeline = new Timeline(slice.frames);
    this.#playout = new Playout({ fps: slice.fps });
    this.#reader = new PlayoutReader({ at: (nowUs) => this.#playout.at(nowUs, this.#timeline) });
    this.#revisions = new Revisions(
      {
        making: { generator, scheduler, clock: systemClock },
        work: { sliceCount: undefined, user: { id: 'viewer', weight: 1 }, inputs: {} },
        timeline: this.#timeline,
        playout: this.#playout,
        onPlaced: (_, placement) => {
          if (placement === 'switched') this.#show();
        },
        onError: () => {},
      },
      { admitted: true, tierCap: tiers.at(-1)?.tier ?? 'draft', gradeCap: 'upscaled' },
    );
    socket.on('message', (data: Buffer) => void this.#onMessage(JSON.parse(data.toString()) as SignalMessage));
    socket.on('close', () => void this.#close());
    this.#peer.onicecandidate = ({ candidate }) => candidate && this.#send({ type: 'candidate', candidate });
    this.#peer.onconnectionstatechange = () => {
      if (this.#peer.connectionState !== 'connected') return;
      this.#connected = true;
      this.#show();
      const { statsIntervalMs } = this.#options;
      clearInterval(this.#statsTimer);
      if (statsIntervalMs !== undefined) this.#statsTimer = setInterval(() => void this.#sendStats(), statsIntervalMs);
    };
  }

  async #onMessage(message: SignalMessage): Promise<void> {
    const { type, sdp, request } = message;
    if (type === 'offer' && sdp !== undefined && request) {
      this.#begin(request.prompt, request.seed);
      const track = this.#source.createTrack();
      const { maxBitrateBps } = this.#options;
      await this.#peer.setRemoteDescription({ type: 'offer', sdp: withLimit(sdp, maxBitrateBps) });
      this.#peer.addTrack(track);
      const answer = await this.#peer.createAnswer();
      await this.#peer.setLocalDescription(answer);
      this.#send({ type: 'answer', sdp: answer.sdp });
    } else if (type === 'candidate' && message.candidate) {
      await this.#peer.addIceCandidate(message.candidate).catch(() => {});
    } else if (type === 'prompt' && message.prompt !== undefined) {
      this.#begin(message.prompt, message.seed);
    } else if (type === 'bye') await this.#close();
  }

  async #sendStats(): Promise<void> {
    for (const report of (await this.#peer.getStats()).values()) {
      const { availableOutgoingBitrate: targetBps } = report as { availableOutgoingBitrate?: number };
      if (targetBps !== undefined) this.#send({ type: 'stats', stats: { targetBps } });
    }
  }

  #begin(prompt: string, seed: number | undefined): void {
    this.#revisions.begin({ prompts: [prompt], seed, guidance: undefined, decision: FROM_NOISE });
  }

  #show(): void {
    clearTimeout(this.#timer);
    if (!this.#connected) return;
    const nowUs = systemClock.nowUs();
    const shown = this.#reader.at(nowUs);
    if (shown?.fresh) {
      const best = this.#generator.info.tiers.at(-1);
      const [rung] = best ? ladder(best) : [];
      if (!rung) return;
      const { picture } = shown;
      this.#hooks.onFrame(picture.frame);
      const { widthPx, heightPx, data } = scaleI420(picture.frame, rung.widthPx, rung.heightPx);
      // The binding looks at the whole buffer, and frames of a slice share one.
      const own = data.byteLength === data.buffer.byteLength ? data : data.slice();
      this.#source.onFrame({ width: widthPx, height: heightPx, data: own });
      this.#measure(picture.revision, this.#revisions.isRefined(picture.tier));
      this.#revisions.follow();
    }
    // Before the first picture there is none to wait for: it comes with a switch.
    const nextUs = this.#playout.nextFrameUs();
    if (nextUs === Infinity) return;
    this.#timer = setTimeout(() => this.#show(), Math.max(1, (nextUs - systemClock.nowUs()) / 1000));
  }

  #measure(revision: number, best: boolean): void {
    const ms = this.#revisions.sinceAcceptedMs(revision);
    if (ms === undefined) return;
    if (revision > this.#shown.draft) {
      this.#shown.draft = revision;
      this.#hooks.onLatency('timeToDraftMs', ms);
    }
    if (best && revision > this.#shown.best) {
      this.#shown.best = revision;
      this.#hooks.onLatency('timeToRefinedMs', ms);
    }
  }

  #send(message: unknown): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  async #close(): Promise<void> {
    this.#connected = false;
    clearTimeout(this.#timer);
    clearInterval(this.#statsTimer);
    this.#peer.close();
    await this.#revisions.close();
  }
}

/** libwebrtc's own parameter of a codec, kbit/s; `setParameters` of this binding refuses every change. */
function withLimit(sdp: string, maxBitrateBps: number | undefined): string {
  if (maxBitrateBps === undefined) return sdp;
  const limit = `x-google-max-bitrate=${Math.round(maxBitrateBps / 1_000)}`;
  return sdp.replaceAll(/^(a=rtpmap:(\d+) VP8\/90000)$/gm, `$1\r\na=fmtp:$2 ${limit}`);
}
