/** An encoded resolution. */
export interface Rung {
  widthPx: number;
  heightPx: number;
}
