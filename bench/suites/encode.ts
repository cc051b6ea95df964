/**
 * What encoding costs and how well the bitrate is obeyed: both encoders, both codecs, three sizes, seeded content.
 * Beside each figure stands its limit: the CPU time of the same codec driven from C, measured in the same run.
 */
import { readFileSync } from 'node:fs';
import type { EncodeOptions, EncoderSettings, VideoCodec, VideoEncoder } from '../../src/media/encode/encoder.ts';
import { VIDEO_CODECS } from '../../src/media/encode/encoder.ts';
import { encoderBackends, type EncoderBackend, encoderFactory } from '../../src/media/encode/encoders.ts';
import { FfmpegEncoder } from '../../src/media/encode/ffmpeg-encoder.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { codecCpuMsPerFrame } from '../encode-limit.ts';
import { MovingTexture } from '../moving-texture.ts';
import { describeMachine, type Machine, textTable } from '../report.ts';

const SEED = 7;
const FPS = 30;
/** Frames a size: more where a frame is cheap, so that the system's 10 ms CPU clock is fine enough. */
const CASES = [
  { widthPx: 256, heightPx: 256, bitrateBps: 400_000, frames: 400 },
  { widthPx: 640, heightPx: 360, bitrateBps: 600_000, frames: 200 },
  { widthPx: 1280, heightPx: 720, bitrateBps: 2_000_000, frames: 100 },
] as const;
/** Shares of the nominal rate, two seconds each. */
const STEPS = [1, 5 / 12, 3 / 2] as const;
const STEP_SECONDS = 2;
/** Linux reports a process's CPU time in hundredths of a second. */
const TICK_MS = 10;

export interface EncodeFigure {
  encoder: EncoderBackend['name'];
  codec: VideoCodec;
  widthPx: number;
  heightPx: number;
  bitrateBps: number;
  /** Wall time from the frame's arrival to its access unit. */
  encodeMsP50: number;
  encodeMsP95: number;
  /** This process and its child together. Undefined where the child's time cannot be read. */
  cpuMsPerFrame: number | undefined;
  /** The limit: the same codec, driven from C. */
  codecCpuMsPerFrame: number | undefined;
  /** For each step, encoded over asked bits in each second. */
  obeyed: { bitrateBps: number; shares: number[] }[];
}

export interface EncodeReport {
  suite: 'encode';
  machine: Machine;
  seed: number;
  fps: number;
  quick: boolean;
  figures: EncodeFigure[];
}

/** @param options `quick` encodes a quarter of the frames; `json` keeps progress off the terminal. */
export async function run({ json, quick = false }: { json: boolean; quick?: boolean }): Promise<EncodeReport> {
  const backends = (await encoderBackends()).filter(({ loads }) => loads);
  const figures: EncodeFigure[] = [];
  for (const { frames, ...size } of CASES) {
    const clip = makeClip(size, quick ? frames / 4 : frames);
    for (const codec of VIDEO_CODECS) {
      const settings = { codec, fps: FPS, ...size };
      const limit = await codecCpuMsPerFrame(settings, clip);
      for (const { name } of backends) {
        if (!json) process.stderr.write(`${name} ${codec} ${size.widthPx}x${size.heightPx}\n`);
        const cost = await measureCost(name, settings, clip);
        const obeyed = await measureObedience(name, settings, clip);
        figures.push({ encoder: name, codec, ...size, ...cost, codecCpuMsPerFrame: rounded(limit), obeyed });
      }
    }
  }
  return { suite: 'encode', machine: describeMachine(), seed: SEED, fps: FPS, quick, figures };
}

function makeClip(size: { widthPx: number; heightPx: number }, frames: number): I420Frame[] {
  const texture = new MovingTexture({ ...size, seed: SEED });
  return Array.from({ length: frames }, (_, index) => texture.frame(index));
}

type Cost = Pick<EncodeFigure, 'encodeMsP50' | 'encodeMsP95' | 'cpuMsPerFrame'>;

async function measureCost(name: EncoderBackend['name'], settings: EncoderSettings, clip: I420Frame[]): Promise<Cost> {
  await using encoder = await encoderFactory(name)(settings);
  const options = { keyframe: false, bitrateBps: settings.bitrateBps, durationMs: 1000 / FPS };
  const [first, ...rest] = clip;
  // Opening the codec and its first keyframe are not the steady cost.
  if (first) await encoder.encode(first, options);
  const before = cpuMs(encoder);
  const times: number[] = [];
  for (const frame of rest) times.push((await encoder.encode(frame, options)).encodeMs);
  const after = cpuMs(encoder);
  times.sort((a, b) => a - b);
  return {
    encodeMsP50: hundredth(times[Math.floor(times.length * 0.5)] ?? Number.NaN),
    encodeMsP95: hundredth(times[Math.floor(times.length * 0.95)] ?? Number.NaN),
    cpuMsPerFrame: before !== undefined && after !== undefined ? hundredth((after - before) / rest.length) : undefined,
  };
}

async function measureObedience(
  name: EncoderBackend['name'],
  settings: EncoderSettings,
  clip: I420Frame[],
): Promise<EncodeFigure['obeyed']> {
  await using encoder = await encoderFactory(name)(settings);
  const frames = thereAndBack(clip);
  const obeyed: EncodeFigure['obeyed'] = [];
  for (const step of STEPS) {
    const bitrateBps = Math.round(settings.bitrateBps * step);
    const shares: number[] = [];
    for (let second = 0; second < STEP_SECONDS; second += 1) {
      const bits = await encodeSecond(encoder, frames, { keyframe: false, bitrateBps, durationMs: 1000 / FPS });
      shares.push(hundredth(bits / bitrateBps));
    }
    obeyed.push({ bitrateBps, shares });
  }
  return obeyed;
}

async function encodeSecond(
  encoder: VideoEncoder,
  frames: Iterator<I420Frame>,
  options: EncodeOptions,
): Promise<number> {
  let bits = 0;
  for (let i = 0; i < FPS; i += 1) {
    const { data } = await encoder.encode(frames.next().value, options);
    bits += data.length * 8;
  }
  return bits;
}

/** Forwards, backwards, forwards: an endless clip without a cut. */
function* thereAndBack(clip: I420Frame[]): Generator<I420Frame, never> {
  for (;;) {
    yield* clip;
    yield* clip.slice(1, -1).toReversed();
  }
}

/** User and system time spent so far by this process and the encoder's children. */
function cpuMs(encoder: VideoEncoder): number | undefined {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1000;
  if (!(encoder instanceof FfmpegEncoder)) return own;
  if (process.platform !== 'linux') return undefined;
  return encoder.pids.reduce((sum, pid) => sum + childCpuMs(pid), own);
}

/** Fields 14 and 15 of proc_pid_stat(5); the name in field 2 may hold spaces, so count from its closing bracket. */
function childCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const hundredth = (value: number): number => Math.round(value * 100) / 100;
const rounded = (value: number | undefined): number | undefined => (value === undefined ? undefined : hundredth(value));

/** The report for people. */
export function formatTable({ figures, machine }: EncodeReport): string {
  const header = ['encoder', 'codec', 'size', 'p50 ms', 'p95 ms', 'CPU ms', 'from C', 'ratio', 'obeyed in each second'];
  const rows = figures.map((figure) => [
    figure.encoder,
    figure.codec,
    `${figure.widthPx}x${figure.heightPx}`,
    figure.encodeMsP50.toFixed(2),
    figure.encodeMsP95.toFixed(2),
    figure.cpuMsPerFrame?.toFixed(2) ?? '–',
    figure.codecCpuMsPerFrame?.toFixed(2) ?? '–',
    figure.cpuMsPerFrame !== undefined && figure.codecCpuMsPerFrame !== undefined
      ? (figure.cpuMsPerFrame / figure.codecCpuMsPerFrame).toFixed(2)
      : '–',
    figure.obeyed.map(({ bitrateBps, shares }) => `${bitrateBps / 1000}k: ${shares.join(' ')}`).join(', '),
  ]);
  return `${textTable([header, ...rows])}\n\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`;
}
