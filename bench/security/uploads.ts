/** Uploads made to cost: what decoding takes until it is refused, and what it takes of the service's own process. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { readInputMedia } from '../../src/media/decode/input-media.ts';
import { most, type SecurityFigure } from './figures.ts';

const BOMBS: readonly [name: string, options: readonly string[]][] = [
  [
    '8192 x 8192 with 16 references',
    ['-i', 'color=size=8192x8192:rate=10', '-frames:v', '3', '-x264-params', 'ref=16'],
  ],
  ['30 s of 1080p', ['-i', 'color=size=1920x1080:rate=30', '-t', '30']],
];

export async function uploadBombs(): Promise<SecurityFigure[]> {
  const { path = '' } = (await ffmpegBinary()) ?? {};
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-bench-'));
  const figures: SecurityFigure[] = [];
  for (const [name, options] of BOMBS) {
    const file = join(folder, 'bomb.mp4');
    execFileSync(path, [
      '-y',
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      ...options,
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      file,
    ]);
    const upload = readFileSync(file);
    const attack = `an MP4 of ${Math.round(upload.length / 1_000)} kB: ${name}`;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const before = process.memoryUsage.rss();
    const startedMs = performance.now();
    delay.enable();
    const taken = await readInputMedia(upload, { signal: AbortSignal.timeout(60_000) }).then(
      () => 1,
      () => 0,
    );
    delay.disable();
    figures.push(
      most(attack, 'taken', taken, 0, ''),
      most(attack, 'refused after', (performance.now() - startedMs) / 1_000, 2, 's'),
      most(attack, 'event loop blocked at most', delay.max / 1e6, 50, 'ms'),
      most(attack, 'more memory in the service', (process.memoryUsage.rss() - before) / 2 ** 20, 32, 'MiB'),
    );
  }
  await rm(folder, { recursive: true });
  return figures;
}
