/**
 * One server under test in a process of its own, so that sides do not share an event loop: `glimpse` is the service as
 * `glimpse serve` starts it, `libwebrtc` its peer. Reports over IPC: its URL, when each frame was ready, latencies.
 */
import { createGenerator } from '../../src/generation/create-generator.ts';
import { readBarCode } from '../../src/generation/pattern/bar-code.ts';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';
import { startService } from '../../src/service.ts';
import { PATCH_EVERY_FRAMES, patchOf } from '../link/quality.ts';
import { startLibwebrtcServer } from './libwebrtc-server.ts';

export type Side = 'glimpse' | 'libwebrtc';

export interface ServerSettings {
  side: Side;
  generator: 'onnx' | 'pattern';
  /** Of the embedded packs; default: the one that `auto` means. */
  model?: string;
  /** Of the pattern; default 256x256. */
  size?: string;
  /** libwebrtc only: its own limit for a picture of this size is lifted to this, bit/s. */
  maxBitrateBps?: number;
  /** libwebrtc only: tells the viewer its estimate this often. Glimpse always does, every second. */
  statsIntervalMs?: number;
  /** Reports a patch of some frames, for comparison with what the viewer saw; see `bench/link/quality.ts`. */
  patches?: boolean;
}

export type ServerReport =
  | { type: 'listening'; url: string }
  | { type: 'frame'; frame: number; readyAtMs: number; patch?: string }
  | { type: 'latency'; name: string; ms: number }
  | { type: 'memory'; rssBytes: number };

const report = (message: ServerReport): void => void process.send?.(message);

const settings = JSON.parse(process.env['GLIMPSE_BENCH_SERVER'] ?? '{}') as ServerSettings;
const config: Config = loadConfig({
  flags: {
    port: 0,
    generator: settings.generator,
    ...(settings.model === undefined ? {} : { model: settings.model }),
    size: settings.size ?? '256x256',
    fps: 30,
    logLevel: 'error',
    calibrate: 'never',
    // The model is measured: connection after connection asks for the same pictures, and a cache would have them.
    cacheMemory: 0,
  },
  environment: {},
});
const onFrame = (frame: I420Frame): void => {
  if (settings.generator !== 'pattern') return;
  const readyAtMs = performance.timeOrigin + performance.now();
  const number = readBarCode(frame.data, frame.widthPx, frame.heightPx);
  if (number === undefined) return;
  const wanted = settings.patches === true && number % PATCH_EVERY_FRAMES === 0;
  const patch = wanted ? { patch: Buffer.from(patchOf(frame)).toString('base64') } : {};
  report({ type: 'frame', frame: number, readyAtMs, ...patch });
};

if (settings.side === 'glimpse') {
  const service = await startService(config, {
    createEncoder: watched(encoderFactory(config.encoder)),
    onLatency: (name, ms) => report({ type: 'latency', name, ms }),
  });
  await service.ready;
  setInterval(() => report({ type: 'memory', rssBytes: process.memoryUsage.rss() }), 1000).unref();
  report({ type: 'memory', rssBytes: process.memoryUsage.rss() });
  report({ type: 'listening', url: service.url });
} else {
  const generator = await createGenerator(config);
  await generator.warmUp();
  const { maxBitrateBps, statsIntervalMs } = settings;
  const url = await startLibwebrtcServer(
    generator,
    { onFrame, onLatency: (name, ms) => report({ type: 'latency', name, ms }) },
    { maxBitrateBps, statsIntervalMs },
  );
  report({ type: 'listening', url });
}

/** A frame is ready when the picture loop hands it to its encoder. */
function watched(create: EncoderFactory): EncoderFactory {
  return async (settings) => {
    const encoder = await create(settings);
    const encode = encoder.encode.bind(encoder);
    encoder.encode = (frame, options) => {
      onFrame(frame);
      return encode(frame, options);
    };
    return encoder;
  };
}
