/** A picture or video that slices are made from: checked and re-encoded by the service (media/input-media.ts). */
export interface InputMedia {
  kind: 'image' | 'video';
  mediaType: 'image/png' | 'video/mp4';
  /** SHA-256 of `data`, hexadecimal. */
  sha256: string;
  data: Uint8Array;
}
