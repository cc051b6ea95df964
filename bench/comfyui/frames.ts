/** How long a frame takes from the socket to where the encoder can have it, and what 121 of them do to the event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { freeMemory } from '../../src/media/decode/free-memory.ts';
import { ImageDecoder } from '../../src/media/decode/image-decoder.ts';
import { LibavImageDecoder } from '../../src/media/decode/libav-image-decoder.ts';
import { distribution, type Distribution } from '../report.ts';
import { benchGenerator, jobOf, never } from './generator.ts';
import { texturedPng } from './picture.ts';
import type { Server } from './server-handle.ts';

export interface FrameFigures {
  clips: number;
  /** From the message's arrival to the decoded frame, frames coming at 24 a second. */
  decodeMs: Distribution | undefined;
  /** The same picture on an idle thread, with no socket and no messages: what the figure above cannot go below. */
  aloneMs: Distribution | undefined;
  /** The first frame of a tap, to its access unit. */
  firstFrameMs: Distribution | undefined;
  /** How late timers were while frames came as fast as the server sends. */
  lagMs: Distribution | undefined;
}

const SIZE = { widthPx: 960, heightPx: 544 };
const ALONE = 120;
const FRAME_MS = 1_000 / 24;

export async function measureFrames(server: Server, clips: number): Promise<FrameFigures> {
  const graph = {
    blank: { class_type: 'EmptyImage', inputs: { width: 960, height: 544, batch_size: 121, color: 0 } },
    tap: { class_type: 'SaveImageWebsocket', inputs: { images: ['blank', 0] as const } },
  };
  await server.set({ stepMs: FRAME_MS });
  const decodeMs: number[] = [];
  const firstMs: number[] = [];
  await using client = new ComfyClient({ url: server.url });
  await using decoder = new ImageDecoder();
  // As a service has it before its first viewer.
  await decoder.open();
  const encoder = await encoderFactory('auto')({ codec: 'VP8', ...SIZE, fps: 24, bitrateBps: 3_000_000 });
  for (let clip = 0; clip < clips; clip++) {
    const decoding: Promise<void>[] = [];
    await client.run(graph, {
      signal: never,
      onImage: ({ image }) => {
        const receivedMs = performance.now();
        const isFirst = decoding.length === 0;
        const decoded = decoder.decode(image, { format: 'png', ...SIZE, handOver: true }).then(async (frame) => {
          decodeMs.push(performance.now() - receivedMs);
          if (!isFirst) return;
          await encoder.encode(frame, { keyframe: true, bitrateBps: 3_000_000, durationMs: FRAME_MS });
          firstMs.push(performance.now() - receivedMs);
        });
        decoding.push(decoded);
        return decoded;
      },
    });
    await Promise.all(decoding);
  }
  await encoder.close();
  await server.set({ stepMs: 0 });
  return {
    clips,
    decodeMs: distribution(decodeMs),
    aloneMs: distribution(await decodeAlone()),
    firstFrameMs: distribution(firstMs),
    lagMs: await measureLag(server, clips),
  };
}

async function decodeAlone(): Promise<number[]> {
  const decoder = await LibavImageDecoder.open();
  const png = texturedPng(SIZE.widthPx, SIZE.heightPx);
  const samplesMs: number[] = [];
  for (let picture = 0; picture <= ALONE; picture++) {
    const startedMs = performance.now();
    const { data } = decoder.decode(png, 'png', SIZE.widthPx, SIZE.heightPx);
    samplesMs.push(performance.now() - startedMs);
    freeMemory(data);
  }
  decoder.close();
  // The first opens the codec.
  return samplesMs.slice(1);
}

async function measureLag(server: Server, clips: number): Promise<Distribution | undefined> {
  await using generator = benchGenerator(server.url);
  await generator.warmUp();
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  for (let clip = 0; clip < clips; clip++)
    for await (const { frames } of generator.generate(jobOf(1_000 + clip), { signal: never })) void frames;
  lag.disable();
  const ms = (value: number): number => Math.round(value / 1e5) / 10;
  return { count: lag.count, p50: ms(lag.percentile(50)), p95: ms(lag.percentile(95)), max: ms(lag.max) };
}
