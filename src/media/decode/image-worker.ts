/** The thread that decodes pictures: answers every `decode` in order, and ends after `close`. */
import { parentPort, workerData } from 'node:worker_threads';
import { GlimpseError } from '../../errors.ts';
import { FfmpegImageDecoder } from './ffmpeg-image-decoder.ts';
import { freeMemory } from './free-memory.ts';
import type { FromImageWorker, ImageWorkerData, ToImageWorker } from './image-decoder.ts';
import { LibavImageDecoder } from './libav-image-decoder.ts';

const port = parentPort;
if (port === null) throw new GlimpseError('INTERNAL', { message: 'image-worker.ts runs only as a worker thread' });
const answer = (message: FromImageWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const { program } = workerData as ImageWorkerData;
const opening: Promise<LibavImageDecoder | FfmpegImageDecoder> =
  program === 'ffmpeg' ? FfmpegImageDecoder.open() : LibavImageDecoder.open().catch(() => FfmpegImageDecoder.open());

async function decode(message: Extract<ToImageWorker, { type: 'decode' }>): Promise<void> {
  const { id, image, format, widthPx, heightPx } = message;
  try {
    const frame = await (await opening).decode(image, format, widthPx, heightPx);
    answer({ id, frame }, [frame.data.buffer as ArrayBuffer]);
  } catch (error) {
    answer({ id, problem: (error as Error).message });
  } finally {
    freeMemory(image);
  }
}

async function close(): Promise<void> {
  // A decoder that failed to open needs no closing.
  await opening.then((decoder) => decoder.close()).catch(() => {});
  port?.close();
}

// A decoder that failed to open reports that with each picture.
opening.catch(() => {}).finally(() => answer('open'));
let work = Promise.resolve();
port.on('message', (message: ToImageWorker) => {
  work = work.then(() => (message.type === 'decode' ? decode(message) : close()));
});
