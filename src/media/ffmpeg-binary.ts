/** The bundled ffmpeg program: where it is, and how options are spelled for it. */

/** Undefined on platforms without a binary: its package throws there, which is an answer and not a fault. */
export async function ffmpegBinary(): Promise<{ path: string; version: string } | undefined> {
  try {
    const { default: installer } = await import('@ffmpeg-installer/ffmpeg');
    return { path: installer.path, version: installer.version };
  } catch {
    return undefined;
  }
}

/** Nothing of the service's is handed on to the program: its secrets are in the environment. */
export const NO_ENVIRONMENT: NodeJS.ProcessEnv = {};

/** An option's value, or `true` for one that takes none. */
export type FfmpegOptions = Readonly<Record<string, string | number | true>>;

/**
 * Command-line arguments in the order of the keys.
 * @example ffmpegArguments({ nostats: true, 'b:v': 600_000 }) // ['-nostats', '-b:v', '600000']
 */
export const ffmpegArguments = (options: FfmpegOptions): string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === true ? [`-${name}`] : [`-${name}`, String(value)]));

/** What every run has in common: speak only of errors. */
export const QUIET: FfmpegOptions = { hide_banner: true, loglevel: 'error', nostats: true };

/** Our I420 is BT.601 limited range; players take untagged pictures for BT.709. */
export const COLOUR_TAGS: FfmpegOptions = {
  color_range: 'tv',
  colorspace: 'smpte170m',
  color_primaries: 'smpte170m',
  color_trc: 'smpte170m',
};
