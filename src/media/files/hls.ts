/**
 * Cuts an MP4 into an HLS presentation of CMAF segments (RFC 8216, ISO/IEC 23000-19) without encoding again. The
 * content names each segment, so a name never changes its meaning and caches may keep it for ever.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GlimpseError } from '../../errors.ts';
import { NO_ENVIRONMENT, ffmpegArguments, ffmpegBinary, QUIET } from '../ffmpeg-binary.ts';

export const PLAYLIST = 'index.m3u8';
/** Target segment length, s; the file needs keyframes this often. */
export const SEGMENT_SECONDS = 2;
/** Characters kept of ffmpeg's standard error, enough to see what went wrong. */
const STDERR_KEPT_CHARS = 2_000;
const NAME_CHARS = 16;

/**
 * @param mp4 a file with keyframes every `SEGMENT_SECONDS`
 * @param folder created, or replaced if it exists
 * @throws GlimpseError ENCODER_FAILED
 */
export async function cutHls(mp4: string, folder: string): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    await segment(resolve(mp4), partial);
    await nameByContent(partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function segment(mp4: string, folder: string): Promise<void> {
  const binary = await ffmpegBinary();
  if (binary === undefined)
    throw new GlimpseError('ENCODER_FAILED', { message: 'There is no ffmpeg program for this platform.' });
  const flags = ffmpegArguments({
    ...QUIET,
    i: mp4,
    c: 'copy',
    f: 'hls',
    hls_time: SEGMENT_SECONDS,
    hls_playlist_type: 'vod',
    hls_segment_type: 'fmp4',
    hls_fmp4_init_filename: 'init.mp4',
    hls_segment_filename: 'segment%d.m4s',
    hls_flags: 'independent_segments',
  });
  // Relative names, because this ffmpeg copies the given paths into the playlist.
  const child = spawn(binary.path, [...flags, PLAYLIST], {
    cwd: folder,
    env: NO_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT_CHARS);
  });
  const exitCode = await new Promise<number | null>((done) => {
    child.once('error', () => done(null));
    child.once('close', done);
  });
  if (exitCode !== 0) throw new GlimpseError('ENCODER_FAILED', { details: { exitCode, stderr } });
}

async function nameByContent(folder: string): Promise<void> {
  let playlist = await readFile(join(folder, PLAYLIST), 'utf8');
  for (const name of await readdir(folder)) {
    if (name === PLAYLIST) continue;
    const hash = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')
      .slice(0, NAME_CHARS);
    const named = name.replace(/^(init|segment\d+)/, `$1-${hash}`);
    await rename(join(folder, name), join(folder, named));
    playlist = playlist.replaceAll(new RegExp(`(?<=^|")${name}(?=$|")`, 'gm'), named);
  }
  await writeFile(join(folder, PLAYLIST), playlist);
}
