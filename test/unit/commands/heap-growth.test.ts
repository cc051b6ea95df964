/** In processes of their own, because the flag is of the whole process; V8 itself says what it allows. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../../src/commands/heap-growth.ts', import.meta.url).href;

/** How much larger the heap may be before all of it is collected again, over what a collection has left. */
async function growth(further: boolean): Promise<number> {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { growHeapFurther } from '${MODULE}';
    if (${further}) growHeapFurther();
    const held = Array.from({ length: 800_000 }, (_, index) => ({ index, next: [index] }));
    // A heap that hardly grows of itself, as a service's.
    for (let times = 0; times < 5; times++) {
      await sleep(200);
      gc();
    }
    console.log(held.length);
  `;
  const flags = ['--expose-gc', '--trace-gc-verbose', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  const limits = [...stdout.matchAll(/\[HeapController\] Limit: old size: (\d+) KB, new limit: (\d+) KB/g)];
  const last = limits.at(-1);
  if (last === undefined) throw new Error('V8 no longer prints its heap limit under --trace-gc-verbose');
  const [, held, limit] = last;
  return Number(limit) / Number(held) - 1;
}

describe('a heap that grows further', () => {
  it('is collected as a whole only when it has doubled', async () => {
    const [usual, further] = await Promise.all([growth(false), growth(true)]);
    expect(usual).toBeLessThan(0.9);
    expect(further).toBeGreaterThanOrEqual(1);
  });
});
