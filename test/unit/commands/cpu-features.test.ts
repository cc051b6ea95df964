import { expect, it } from 'vitest';
import { missingFeatures } from '../../../src/commands/cpu-features.ts';

it('says what a CPU without AVX2 means', () => {
  expect(missingFeatures('processor\t: 0\nflags\t\t: fpu sse4_2 avx\nbugs\t\t: none\n')).toMatch(/no AVX2.*glimpse-xs/);
});

it.each(['processor\t: 0\nflags\t\t: fpu avx avx2 fma\n', 'processor\t: 0\nFeatures\t: fp asimd\n', ''])(
  'says nothing of a CPU that has it or that is no x86: %j',
  (cpuinfo) => expect(missingFeatures(cpuinfo)).toBeUndefined(),
);
