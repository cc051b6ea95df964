/** Checks for the CPU features that fast inference needs. */

/**
 * @param cpuinfo text of /proc/cpuinfo
 * @returns one sentence when an x86 CPU has no AVX2; undefined when it has, or is of another kind
 */
export function missingFeatures(cpuinfo: string): string | undefined {
  const [, flags] = /^flags\s*:(.*)$/m.exec(cpuinfo) ?? [];
  if (flags === undefined || flags.split(' ').includes('avx2')) return undefined;
  return 'This CPU has no AVX2, so inference takes several times as long: use --model glimpse-xs, or a ComfyUI server.';
}
