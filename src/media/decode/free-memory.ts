/**
 * Frees the memory of a large array at once. Otherwise the megabytes of each picture make the garbage collector run
 * every dozen pictures, 5 to 30 ms each time (bench comfyui).
 */

/** False for buffers in Node's shared pool for small buffers, each less than half of the pool. */
export const hasOwnMemory = ({ buffer, byteLength }: Uint8Array): boolean =>
  buffer instanceof ArrayBuffer && byteLength > buffer.byteLength / 2;

/** Empties `bytes` and every other view of its memory; has no effect on Node's pool. */
export function freeMemory(bytes: Uint8Array): void {
  if (hasOwnMemory(bytes)) (bytes.buffer as ArrayBuffer).transfer(0);
}
