/** Decodes access units back to I420 with node-av, to compare what a viewer would see with what went in. */
import type { AccessUnit, VideoCodec } from '../../../src/media/encode/encoder.ts';
import type { I420Frame } from '../../../src/picture/frame.ts';
import { loadLibav } from '../../../src/media/libav-loader.ts';

/** One picture for each unit; fails when a unit does not decode on its own turn. */
export async function decode(codec: VideoCodec, units: readonly Pick<AccessUnit, 'data'>[]): Promise<I420Frame[]> {
  const { lib, constants } = await loadLibav();
  const decoder = lib.Codec.findDecoder(codec === 'VP8' ? constants.AV_CODEC_ID_VP8 : constants.AV_CODEC_ID_H264);
  const context = new lib.CodecContext();
  context.allocContext3(decoder);
  context.threadCount = 1;
  context.setFlags(constants.AV_CODEC_FLAG_LOW_DELAY);
  const packet = new lib.Packet();
  packet.alloc();
  const picture = new lib.Frame();
  picture.alloc();
  try {
    expectOk('open', context.open2Sync(decoder));
    return units.map(({ data }) => {
      packet.data = Buffer.from(data);
      expectOk('sendPacket', context.sendPacketSync(packet));
      packet.unref();
      expectOk('receiveFrame', context.receiveFrameSync(picture));
      const frame = { widthPx: picture.width, heightPx: picture.height, data: new Uint8Array(picture.toBuffer()) };
      picture.unref();
      return frame;
    });
  } finally {
    picture.free();
    packet.free();
    context.freeContext();
  }
}

function expectOk(call: string, result: number): void {
  if (result < 0) throw new Error(`${call} answered ${result}`);
}
