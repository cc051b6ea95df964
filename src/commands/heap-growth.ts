/**
 * How far V8's heap may grow before all of it is collected. Pictures and latents pass through the main thread as array
 * buffers, which count against the limit though they are not on the heap. Left to itself V8 lets a heap of 40 MB that is
 * cheap to collect grow by 8 MB: with eight viewers that is two full collections a second, of 8 to 20 ms each on a busy
 * machine, a third of all that the main thread does. For a process of our own only: the flag is of the whole process.
 */
import { setFlagsFromString } from 'node:v8';

/** Of what is left after a collection. A quarter of the collections, for some 40 MiB. */
const GROWTH_PERCENT = 100;

/** Holds for collections from now on, in all threads. */
export function growHeapFurther(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
