/**
 * Gives the memory of a large array back at once. Left to the collector, the megabytes of each picture make it run every
 * dozen pictures, 5 to 30 ms each time (bench comfyui). Pure.
 */

/** `bytes` and every other view of its memory are empty afterwards: only for whoever has the only one. */
export function freeMemory(bytes: Uint8Array): void {
  if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}
