/**
 * Decodes an upload and encodes it again in a separate process: with node-av's FFmpeg where that works, otherwise with
 * the older ffmpeg program. Both get an empty environment and limits on memory, time and output.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '../../limits.ts';
import { ffmpegArguments, ffmpegBinary, QUIET, type FfmpegOptions } from '../ffmpeg-binary.ts';
import { UPLOAD_FORMATS } from './format.ts';
import { JOB_FILE, resultFilters, type Refusal, type RewriteJob } from './libav-rewrite.ts';
import { NODE_RESERVES_BYTES, runLimited } from './limited-process.ts';

export type Verdict = Refusal | 'written' | 'no decoder';
export type UploadProgram = 'libav' | 'ffmpeg';

/** Without node-av the number of pictures is unknown: takes this many at most, each within its share of the budget. */
const FFMPEG_PICTURES_MAX = LIMITS.inputVideoMaxSeconds * 30;

/** Programs that did not start on this machine; each is tried once. */
const missing = new Set<UploadProgram>();

/**
 * @param folder holds only the upload and the result
 * @param programs tried in this order
 */
export async function decodeUpload(
  job: RewriteJob,
  {
    folder,
    signal,
    programs = ['libav', 'ffmpeg'],
  }: { folder: string; signal: AbortSignal; programs?: readonly UploadProgram[] },
): Promise<Verdict> {
  for (const program of programs) {
    if (missing.has(program)) continue;
    const verdict = await (program === 'libav' ? byLibav : byFfmpeg)(job, folder, signal);
    if (verdict !== 'no decoder' || signal.aborted) return verdict;
    missing.add(program);
  }
  return 'no decoder';
}

async function byLibav(job: RewriteJob, folder: string, signal: AbortSignal): Promise<Verdict> {
  await writeFile(join(folder, JOB_FILE), JSON.stringify(job));
  const memoryBytes = NODE_RESERVES_BYTES + LIMITS.inputDecodeMemoryBytes;
  const { output, ok, killed } = await runLimited([process.execPath, processPath()], { memoryBytes, folder, signal });
  const [started, verdict] = output.split('\n');
  if (started !== 'ready') return killed ? 'invalid' : 'no decoder';
  if (verdict === 'pixels' || verdict === 'seconds') return verdict;
  return ok && verdict === 'written' ? 'written' : 'invalid';
}

async function byFfmpeg(job: RewriteJob, folder: string, signal: AbortSignal): Promise<Verdict> {
  const binary = await ffmpegBinary();
  if (!binary) return 'no decoder';
  const command = [binary.path, '-nostdin', ...sourceArguments(job), ...resultArguments(job)];
  const { ok } = await runLimited(command, { memoryBytes: LIMITS.inputDecodeMemoryBytes, folder, signal });
  return ok ? 'written' : 'invalid';
}

function sourceArguments({ type, from }: RewriteJob): string[] {
  const { kind, demuxer, codecs, maxPixels } = UPLOAD_FORMATS[type];
  const isVideo = kind === 'video';
  const source: FfmpegOptions = {
    ...QUIET,
    xerror: true,
    err_detect: 'explode',
    threads: 1,
    protocol_whitelist: 'file',
    max_pixels: isVideo ? Math.floor(LIMITS.inputVideoMaxPixelFrames / FFMPEG_PICTURES_MAX) : maxPixels,
    f: demuxer,
    // Allows only this decoder, whatever the container names. So without node-av a video must be H.264.
    'c:v': codecs[0],
    ...(isVideo ? { enable_drefs: 0, t: LIMITS.inputVideoMaxSeconds + 1 } : {}),
    i: from,
  };
  return ffmpegArguments(source);
}

function resultArguments({ type, to, orientation }: RewriteJob): string[] {
  const isImage = UPLOAD_FORMATS[type].kind === 'image';
  const common: FfmpegOptions = {
    map: '0:v:0',
    an: true,
    sn: true,
    dn: true,
    map_metadata: -1,
    // ffmpeg itself turns a video by its track.
    vf: resultFilters(orientation, isImage ? 'rgb24' : 'yuv420p'),
  };
  const video: FfmpegOptions = {
    'c:v': 'libx264',
    preset: 'veryfast',
    crf: 12,
    f: 'mp4',
    'frames:v': FFMPEG_PICTURES_MAX,
  };
  const image: FfmpegOptions = { 'frames:v': 1, 'c:v': 'png', f: 'image2' };
  return [...ffmpegArguments({ ...common, ...(isImage ? image : video), threads: 1 }), to];
}

/** Run from source this file is TypeScript, compiled it is JavaScript; the process file is of the same kind. */
const processPath = (): string =>
  fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './upload-process.ts' : './upload-process.js', import.meta.url),
  );
