/**
 * Loads node-av (FFmpeg's libraries in this process) on first use, so that a machine where it does not load can still
 * run with the ffmpeg child.
 */
export interface Libav {
  lib: typeof import('node-av/lib');
  constants: typeof import('node-av/constants');
}

let loading: Promise<Libav> | undefined;

/** Loads once per process. Rejects with the loader's own error where there is no binary for this machine. */
export function loadLibav(): Promise<Libav> {
  loading ??= (async () => {
    const [lib, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    lib.Log.setLevel(constants.AV_LOG_ERROR);
    return { lib, constants };
  })();
  return loading;
}
