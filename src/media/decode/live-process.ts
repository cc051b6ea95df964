/**
 * The process that decodes one camera: reads access units and requests for the newest picture from standard input, and
 * writes what became of them to standard output. Ends when its input ends.
 */
import { LIMITS } from '../../limits.ts';
import type { VideoCodec } from '../encode/encoder.ts';
import { LibavLiveDecoder } from './libav-live-decoder.ts';
import { MessageReader, REPLY, REQUEST, writeHead, type Message } from './live-wire.ts';

const NO_DATA = new Uint8Array(0);
const reader = new MessageReader(LIMITS.cameraFrameMaxBytes);
let decoder: LibavLiveDecoder | undefined;
/** Number of the access unit that the newest picture came from. */
let newest = 0;

function reply(type: number, { a = 0, b = 0, c = 0, data = NO_DATA }: Partial<Omit<Message, 'type'>> = {}): void {
  process.stdout.write(writeHead({ type, a, b, c, data }));
  if (data.length > 0) process.stdout.write(data);
}

async function open(codec: VideoCodec): Promise<void> {
  decoder = await LibavLiveDecoder.open(codec);
  reply(REPLY.ready);
}

/** The first request opens; the service sends no other before the answer. */
function handle({ type, a, b, c, data }: Message): void {
  if (type === REQUEST.open) void open(a === 0 ? 'VP8' : 'H264').catch(() => process.stdin.destroy());
  else if (type === REQUEST.unit) {
    const outcome = decoder?.decode(data);
    if (outcome === 'picture') newest = b;
    reply(REPLY.decoded, { a: outcome === 'failed' ? 1 : 0, b, c: newest });
  } else if (type === REQUEST.want) {
    const picture = decoder?.picture(a, c);
    if (picture) reply(REPLY.picture, { a, b: newest, c, data: picture.data });
    else reply(REPLY.nothing);
  }
}

process.stdin.on('data', (chunk: Buffer) => {
  const messages = reader.take(chunk);
  if (messages === undefined) process.stdin.destroy();
  else for (const message of messages) handle(message);
});
process.stdin.on('end', () => decoder?.close());
