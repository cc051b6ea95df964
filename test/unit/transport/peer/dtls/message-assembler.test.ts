import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageAssembler } from '../../../../../src/transport/peer/dtls/message-assembler.ts';
import { bodyOf, writeMessage, type HandshakeFragment } from '../../../../../src/transport/peer/dtls/records.ts';

const SLOTS = [20, 0, 50, 12].map((maxBytes, sequence) => ({ type: 10 + sequence, epoch: 0 as const, maxBytes }));

function fragment(sequence: number, body: Buffer, start = 0, end = body.length): HandshakeFragment {
  return { type: 10 + sequence, length: body.length, sequence, offset: start, body: body.subarray(start, end) };
}

/** A message cut at random places, with pieces that overlap and repeat. */
const piecesOf = (sequence: number, body: Buffer): fc.Arbitrary<HandshakeFragment[]> =>
  fc.array(fc.tuple(fc.nat(body.length), fc.nat(body.length)), { maxLength: 20 }).map((cuts) => {
    const some = cuts.map(([a, b]) => fragment(sequence, body, Math.min(a, b), Math.max(a, b)));
    const half = body.length >> 1;
    return [...some, fragment(sequence, body, 0, half), fragment(sequence, body, half)];
  });

describe('handshake messages', () => {
  it('come out whole, once and in order, whatever the network did to their fragments', () => {
    const bodies = SLOTS.map(({ maxBytes }, sequence) => Buffer.alloc(maxBytes, sequence + 1));
    const shuffled = fc
      .tuple(...bodies.map((body, sequence) => piecesOf(sequence, body)))
      .chain((lists) => fc.shuffledSubarray(lists.flat(), { minLength: lists.flat().length }));
    fc.assert(
      fc.property(shuffled, (fragments) => {
        const assembler = new MessageAssembler(SLOTS);
        const whole = fragments.flatMap((part) => assembler.take(part, 0));
        expect(whole.map(bodyOf)).toEqual(bodies);
        expect(whole[0]).toEqual(writeMessage(10, 0, bodies[0]!));
        expect(assembler.next).toBe(4);
      }),
    );
  });

  it('with a lost fragment wait instead of being filled with zeros', () => {
    const assembler = new MessageAssembler(SLOTS);
    const body = Buffer.alloc(20, 7);
    expect(assembler.take(fragment(0, body, 0, 5), 0)).toEqual([]);
    expect(assembler.take(fragment(0, body, 10), 0)).toEqual([]);
    expect(assembler.take(fragment(0, body, 4, 12), 0).map(bodyOf)).toEqual([body]);
  });

  it('are ignored when they fit no slot: type, epoch, size, another size than before, or far ahead', () => {
    const assembler = new MessageAssembler(SLOTS);
    const body = Buffer.alloc(20, 1);
    const good = fragment(0, body);
    expect(assembler.take({ ...good, type: 11 }, 0)).toEqual([]);
    expect(assembler.take(good, 1)).toEqual([]);
    expect(assembler.take({ ...good, length: 1 << 23 }, 0)).toEqual([]);
    expect(assembler.take(fragment(9, body), 0)).toEqual([]);
    assembler.take(fragment(0, body, 0, 5), 0);
    expect(assembler.take({ ...fragment(0, Buffer.alloc(10)), length: 10 }, 0)).toEqual([]);
    expect(assembler.take(fragment(0, body, 5), 0)).toHaveLength(1);
  });

  it('in more pieces apart than an honest sender makes keep only what they have', () => {
    const slots = [{ type: 10, epoch: 0 as const, maxBytes: 16_384 }];
    const assembler = new MessageAssembler(slots);
    const body = Buffer.alloc(16_384, 3);
    for (let at = 0; at < body.length; at += 16) expect(assembler.take(fragment(0, body, at, at + 1), 0)).toEqual([]);
    // Those that came later than the limit were dropped; the whole still heals it.
    expect(assembler.take(fragment(0, body), 0).map(bodyOf)).toEqual([body]);
  });
});
