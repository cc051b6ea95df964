import { expect, it } from 'vitest';
import { collectGarbage } from '../../../src/commands/garbage.ts';

it.each(['usual', 'thorough'] as const)(
  'gives back array buffers that are left, without waiting for somebody to allocate (%s)',
  (how) => {
    const bytes = 64 * 2 ** 20;
    const before = process.memoryUsage().arrayBuffers;
    // In a call of its own, so that nothing on the stack holds them.
    const leave = (): number => Array.from({ length: 8 }, () => new Uint8Array(bytes / 8)).length;
    expect(leave()).toBe(8);
    collectGarbage(how);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + bytes / 2);
    expect('gc' in globalThis).toBe(false);
  },
);
