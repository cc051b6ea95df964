/**
 * Gives the memory of a large array back at once. Left to the collector, the megabytes of each picture make it run every
 * dozen pictures, 5 to 30 ms each time (bench comfyui).
 */

/** Whether it is no part of Node's pool for small buffers, which others use too: of that a buffer is less than half. */
export const hasOwnMemory = ({ buffer, byteLength }: Uint8Array): boolean =>
  buffer instanceof ArrayBuffer && byteLength > buffer.byteLength / 2;

/** `bytes` and every other view of its memory are empty afterwards; of Node's pool nothing is given back. */
export function freeMemory(bytes: Uint8Array): void {
  if (hasOwnMemory(bytes)) (bytes.buffer as ArrayBuffer).transfer(0);
}
