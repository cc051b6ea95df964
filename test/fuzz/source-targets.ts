/** Parsers of what a proven peer, another program or a file says: less hostile than a stranger, and as often broken. */
import { scenarioSchema, parseScenario } from '../../bench/link/scenario.ts';
import { loadConfig, type ConfigKey } from '../../src/config/config.ts';
import { decodeSegment, encodeSegment } from '../../src/generation/cache/segment-file.ts';
import { parseBinaryEvent } from '../../src/generation/comfyui/server/binary-event.ts';
import { parsePythonJson } from '../../src/generation/comfyui/python-json.ts';
import { objectInfoSchema, parseTextEvent } from '../../src/generation/comfyui/server/wire.ts';
import { joinPrompts, parsePrompts } from '../../src/generation/prompt/prompt-list.ts';
import { annexB, nalUnits } from '../../src/media/encode/annex-b.ts';
import { FlvReader } from '../../src/media/encode/flv.ts';
import { ivfFrameHeader, ivfHeader, IvfReader } from '../../src/media/encode/ivf.ts';
import { SrtcpSession } from '../../src/transport/peer/srtp/srtcp-session.ts';
import { SRTP_PROFILE } from '../../src/transport/peer/srtp/srtp-keys.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';
import { refusing, texts, type FuzzTarget } from './target.ts';

const KEY = 'the key of a slice';
const PNG = encodePng(2, 2, () => [1, 2, 3]);
const IVF = Buffer.concat([
  ivfHeader({ fourcc: 'VP80', widthPx: 64, heightPx: 64, ticksHz: 90_000 }),
  ...[5, 0, 40].flatMap((bytes, index) => [ivfFrameHeader(bytes, index), Buffer.alloc(bytes, index)]),
]);
/** File header, then a configuration record with one SPS and one PPS, then a keyframe of one NAL unit. */
const FLV = Buffer.from(
  '464c5601010000000900000000' +
    '0900001800000000000000170000000001424014ffe1000567424014ff01000368ce0700000023' +
    '0900000c000000000000001701000000000000036588840000001700',
  'hex',
);
const SRTCP_KEYS = {
  profile: SRTP_PROFILE.aeadAes128Gcm,
  localKey: Buffer.alloc(16, 1),
  localSalt: Buffer.alloc(12, 2),
  remoteKey: Buffer.alloc(16, 1),
  remoteSalt: Buffer.alloc(12, 2),
};
const RECEIVER_REPORT = Buffer.from('81c9000700000001000000020000000000000000000000000000000000000000', 'hex');

/** Cut anywhere, a stream has the same pieces. */
function sameCutAnywhere(input: Buffer, reader: () => (chunk: Buffer) => readonly { length: number }[]): void {
  const cut = (input[0] ?? 0) % (input.length + 1);
  const read = reader();
  const pieces = [...read(input.subarray(0, cut)), ...read(input.subarray(cut))];
  const lengths = (list: readonly { length: number }[]): string => list.map(({ length }) => length).join();
  if (lengths(pieces) !== lengths(reader()(input))) throw new Error(`cut at ${cut}, other pieces come out`);
}

function jsonOf(input: Buffer): unknown {
  try {
    return JSON.parse(input.toString());
  } catch {
    return input.toString();
  }
}

export async function sourceTargets(): Promise<FuzzTarget[]> {
  const srtcp = new SrtcpSession(SRTCP_KEYS);
  const frame = { widthPx: 16, heightPx: 16, data: new Uint8Array(384) };
  const segment = await encodeSegment(KEY, { tier: 'draft', frames: [frame], latents: new Float32Array(4) });
  return [
    {
      name: 'prompt-list',
      seeds: texts('the sea | a city \\| at night', 'a red ball'),
      run: (input) =>
        refusing(() => {
          const prompts = parsePrompts(input.toString());
          if (parsePrompts(joinPrompts(prompts)).join('\n') !== prompts.join('\n')) throw new Error('another list');
        }),
    },
    { name: 'srtcp', seeds: [srtcp.protect(RECEIVER_REPORT)], run: (input) => void srtcp.unprotect(input) },
    {
      name: 'comfyui-event',
      seeds: [
        Buffer.concat([Buffer.from('0000000100000002', 'hex'), PNG]),
        Buffer.concat([Buffer.from('0000000400000002', 'hex'), Buffer.from('{}'), PNG]),
        ...texts('{"type":"progress","data":{"value":3,"max":9,"prompt_id":"a","node":"7"}}'),
      ],
      run: (input) => {
        const event = parseBinaryEvent(input);
        if (event?.kind === 'image' && event.image.length > input.length) throw new Error('a picture out of nothing');
        parseTextEvent(input.toString());
      },
    },
    {
      name: 'comfyui-json',
      seeds: texts('{"a":NaN,"b":[-Infinity,1],"c":"NaN \\" \\\\"}', '{"Node":{"input":{},"output":["IMAGE"]}}'),
      run: (input) => {
        const value = parsePythonJson(input.toString());
        objectInfoSchema.safeParse(value);
      },
    },
    {
      name: 'ivf',
      seeds: [IVF],
      run: (input) =>
        sameCutAnywhere(input, () => {
          const reader = new IvfReader();
          return (chunk) => reader.push(chunk);
        }),
    },
    {
      name: 'flv',
      seeds: [FLV],
      run: (input) =>
        sameCutAnywhere(input, () => {
          const reader = new FlvReader();
          return (chunk) => reader.push(chunk).map(({ data }) => data);
        }),
    },
    {
      name: 'annex-b',
      seeds: [Buffer.from('0000000167424014000001680000000165888400', 'hex')],
      run: (input) => void annexB(nalUnits(input)),
    },
    {
      name: 'segment',
      seeds: [segment],
      run: async (input) => void (await decodeSegment(KEY, input)),
    },
    {
      name: 'config',
      seeds: texts('RTC_PORT=40000', 'SIZE=256x256', 'FPS=12.5', 'INSECURE_NO_AUTH=yes', 'THREADS=auto'),
      run: (input) =>
        refusing(() => {
          const [name = '', value = ''] = input.toString().split('=');
          loadConfig({ flags: { [name as ConfigKey]: value }, environment: { [`GLIMPSE_${name}`]: value } });
        }),
    },
    {
      name: 'scenario',
      seeds: texts(
        JSON.stringify(
          scenarioSchema.parse({ name: 'a', durationMs: 1_000, forward: [{ atMs: 0, capacityBps: 1_000_000 }] }),
        ),
      ),
      run: (input) => refusing(() => void parseScenario(jsonOf(input), 'fuzz')),
    },
  ];
}
