/** A picture in I420 (planar YUV 4:2:0, BT.601 limited range): Y, then U, then V, no padding. Sides are even. */
export interface I420Frame {
  widthPx: number;
  heightPx: number;
  /** `widthPx * heightPx * 3 / 2` bytes. */
  data: Uint8Array;
}

export const i420Bytes = (widthPx: number, heightPx: number): number => (widthPx * heightPx * 3) / 2;
