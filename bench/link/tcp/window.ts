/** How many packets a TCP sender may have in flight: what tells Reno from Cubic. Pure. */
export interface CongestionWindow {
  /** Packets, with fraction. */
  readonly packets: number;
  onAck(nowUs: number, rttUs: number): void;
  /** At most once per round trip in which packets were lost. */
  onLoss(nowUs: number): void;
  onTimeout(nowUs: number): void;
}

/** RFC 6928. */
export const INITIAL_WINDOW_PACKETS = 10;
/** RFC 5681: never fewer after a loss. */
export const WINDOW_MIN_PACKETS = 2;
