/** The bundled ffmpeg program: its path, and the spelling of its options. */

/** Undefined on platforms without a binary, where its package throws; this is not an error. */
export async function ffmpegBinary(): Promise<{ path: string; version: string } | undefined> {
  try {
    const { default: installer } = await import('@ffmpeg-installer/ffmpeg');
    return { path: installer.path, version: installer.version };
  } catch {
    return undefined;
  }
}

/** Child programs get no environment: the service's holds secrets. */
export const NO_ENVIRONMENT: NodeJS.ProcessEnv = {};

/** An option's value, or `true` for one that takes none. */
export type FfmpegOptions = Readonly<Record<string, string | number | true>>;

/**
 * Command-line arguments in the order of the keys.
 * @example ffmpegArguments({ nostats: true, 'b:v': 600_000 }) // ['-nostats', '-b:v', '600000']
 */
export const ffmpegArguments = (options: FfmpegOptions): string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === true ? [`-${name}`] : [`-${name}`, String(value)]));

/** Options of every run: log errors only. */
export const QUIET: FfmpegOptions = { hide_banner: true, loglevel: 'error', nostats: true };

/** Our I420 is BT.601 limited range; players treat untagged pictures as BT.709. */
export const COLOUR_TAGS: FfmpegOptions = {
  color_range: 'tv',
  colorspace: 'smpte170m',
  color_primaries: 'smpte170m',
  color_trc: 'smpte170m',
};
