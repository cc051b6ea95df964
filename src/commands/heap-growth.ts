/**
 * How far V8's heap may grow between full collections. Pictures and latents pass through the main thread as array
 * buffers, which count toward the limit though they are off the heap. By default V8 lets a 40 MB heap that is cheap to
 * collect grow by 8 MB. With eight viewers that means two full collections a second of 8 to 20 ms each on a busy
 * machine, a third of the main thread's work. The flag affects the whole process, so only for a process of our own.
 */
import { setFlagsFromString } from 'node:v8';

/** Percent of what remains after a collection: a quarter of the collections, for some 40 MiB. */
const GROWTH_PERCENT = 100;

/** Applies to later collections in all threads. */
export function growHeapFurther(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
