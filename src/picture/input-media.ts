/** A picture or video that slices are made from: decoded, checked and written anew by the service (media/input-media.ts). */
export interface InputMedia {
  kind: 'image' | 'video';
  mediaType: 'image/png' | 'video/mp4';
  /** Of `data`, hexadecimal. */
  sha256: string;
  data: Uint8Array;
}
