/**
 * The internals of werift's SCTP association (0.25.2) that we read and replace, as narrow types. For each chunk werift
 * sorts all TSNs received beyond a gap, as text. Our version advances TSN by TSN, so each chunk costs the same.
 */

export interface SctpAssociation {
  handleData: (packet: Buffer) => Promise<void>;
  readonly localVerificationTag: number;
  /** Bytes of receive window left. */
  advertisedRwnd: number;
  readonly inboundStreams: Readonly<Record<string, { readonly reassembly: readonly unknown[] }>>;
  /** Cumulative TSN received; undefined before INIT. */
  lastReceivedTsn: number | undefined;
  sackDuplicates: number[];
  /** TSNs received beyond a gap. */
  readonly sackMisOrdered: Set<number>;
  /** Cumulative TSN that the peer has acknowledged. */
  readonly lastSackedTsn: number;
  /** TSN of our next chunk. */
  readonly localTsn: number;
  readonly outboundQueue: readonly unknown[];
  readonly sentQueue: readonly unknown[];
  markReceived: (tsn: number) => boolean;
}

/** Duplicates that one SACK reports; reporting them is optional (RFC 9260 section 6.2). */
const DUPLICATES_MAX = 16;

/** Signed distance from one TSN to another in serial arithmetic (RFC 1982). */
export const tsnDistance = (from: number, to: number): number => (to - from) | 0;

/** @param windowBytes receive window: the most that the peer may have in flight */
export function boundReceiving(association: SctpAssociation, windowBytes: number): void {
  association.advertisedRwnd = windowBytes;
  association.markReceived = (tsn) => {
    const { lastReceivedTsn = 0, sackDuplicates, sackMisOrdered } = association;
    if (tsnDistance(lastReceivedTsn, tsn) <= 0 || sackMisOrdered.has(tsn)) {
      if (sackDuplicates.length < DUPLICATES_MAX) sackDuplicates.push(tsn);
      return true;
    }
    sackMisOrdered.add(tsn);
    let last = lastReceivedTsn;
    while (sackMisOrdered.delete((last + 1) >>> 0)) last = (last + 1) >>> 0;
    association.lastReceivedTsn = last;
    return false;
  };
}
