import { describe, expect, it } from 'vitest';
import { Arrivals, type ArrivalNews } from '../../../src/transport/rtcp/arrivals.ts';
import type { SentMedia } from '../../../src/transport/rtp/rtp-stream.ts';

const sentMedia = (sequenceNumber: number, keyframe: boolean): SentMedia => ({
  header: new Uint8Array(0),
  data: new Uint8Array(1),
  from: 0,
  to: 1,
  rtpTimestamp: 0,
  marker: false,
  keyframe,
  frame: 0,
  sequenceNumber,
  sentUs: 0,
  lastCopyUs: -Infinity,
  copyWaits: false,
  copies: 0,
  transportSequence: -1,
  arrived: false,
});
/** Five packets of a keyframe and five of a delta, sent under the transport-wide numbers from `first`. */
function sendTen(arrivals: Arrivals, first = 0): SentMedia[] {
  const sent = Array.from({ length: 10 }, (_, index) => sentMedia(index, index < 5));
  for (const [index, packet] of sent.entries()) arrivals.onSent(first + index, packet, packet.sentUs);
  return sent;
}
const results = (from: number, to: number, lost: readonly number[]) =>
  Array.from({ length: to - from }, (_, index) => {
    const sequence = from + index;
    return { sequence, arrivedAtUs: lost.includes(sequence) ? undefined : 1_000 * sequence };
  });
const numbers = ({ lost }: ArrivalNews): number[] => lost.map(({ sequenceNumber }) => sequenceNumber);

describe('Arrivals', () => {
  it('names the packets of a keyframe that were lost, and none of a delta', () => {
    const arrivals = new Arrivals();
    const sent = sendTen(arrivals);
    expect(numbers(arrivals.onFeedback(results(0, 10, [1, 3, 7])))).toEqual([1, 3]);
    expect(sent.map(({ arrived }) => arrived)).toEqual([true, false, true, false, true, true, true, false, true, true]);
  });

  it('knows what was lost before the first packet that came', () => {
    const arrivals = new Arrivals();
    sendTen(arrivals);
    expect(numbers(arrivals.onFeedback(results(2, 5, [])))).toEqual([0, 1]);
  });

  it('takes a report that is missing later on for no loss', () => {
    const arrivals = new Arrivals();
    arrivals.onFeedback(results(0, 1, []));
    sendTen(arrivals);
    expect(numbers(arrivals.onFeedback(results(3, 10, [])))).toEqual([]);
  });

  it('waits for the copy that is on its way, and names the packet again when that is lost too', () => {
    const arrivals = new Arrivals();
    const sent = sendTen(arrivals);
    arrivals.onSent(10, sent[1]!, 90_000);
    expect(numbers(arrivals.onFeedback(results(0, 10, [1])))).toEqual([]);
    expect(numbers(arrivals.onFeedback(results(10, 11, [10])))).toEqual([1]);
  });

  it('tells once by how much a packet came late, from the copy that arrived', () => {
    const arrivals = new Arrivals();
    const sent = sendTen(arrivals);
    arrivals.onSent(10, sent[7]!, 90_000);
    arrivals.onSent(11, sent[7]!, 200_000);
    expect(arrivals.onFeedback(results(0, 10, [7])).repaired).toEqual([]);
    expect(arrivals.onFeedback(results(10, 12, [10])).repaired).toEqual([{ frame: 0, lateUs: 200_000 }]);
    arrivals.onSent(12, sent[7]!, 300_000);
    expect(arrivals.onFeedback(results(12, 13, [])).repaired).toEqual([]);
  });

  it('counts a packet as there once any copy has come', () => {
    const arrivals = new Arrivals();
    const sent = sendTen(arrivals);
    arrivals.onSent(10, sent[1]!, 90_000);
    arrivals.onFeedback(results(0, 10, []));
    expect(numbers(arrivals.onFeedback(results(10, 11, [10])))).toEqual([]);
  });

  it('forgets what lies too far back to matter', () => {
    const arrivals = new Arrivals();
    sendTen(arrivals);
    for (let sequence = 10; sequence < 5_000; sequence++) arrivals.onSent(sequence, sentMedia(sequence, false), 0);
    expect(numbers(arrivals.onFeedback(results(0, 10, [1])))).toEqual([]);
  });
});
