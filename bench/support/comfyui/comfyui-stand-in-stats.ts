/** What the stand-in for ComfyUI says of itself. */

/**
 * The version whose protocol it imitates: its events, answers and node descriptions were compared with a running one.
 * What is newer is from the sources: previews of LTX-2 and `/api/jobs/{id}/cancel`.
 */
export const IMITATED_VERSION = '0.20.1';

/** Answer to `/system_stats` of a server with 8 GB. */
export const systemStats = (usedShare: number): object => ({
  system: {
    os: 'posix',
    comfyui_version: IMITATED_VERSION,
    python_version: '3.12',
    embedded_python: false,
    argv: ['main.py', '--disable-metadata'],
  },
  devices: [
    {
      name: 'cpu',
      type: 'cpu',
      index: null,
      vram_total: 8e9,
      vram_free: 8e9 * (1 - usedShare),
      torch_vram_total: 8e9,
      torch_vram_free: 2e9,
    },
  ],
});
