import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandshakeOrder } from '../../../../src/transport/peer/dtls/handshake-order.ts';
import type { HandshakeMessage } from '../../../../src/transport/peer/dtls/werift-dtls.ts';

function fragment(sequence: number, body: Buffer, offset: number, size: number): HandshakeMessage {
  return {
    msg_type: 10 + sequence,
    length: body.length,
    message_seq: sequence,
    fragment_offset: offset,
    fragment_length: size,
    fragment: body.subarray(offset, offset + size),
    serialize: () => body,
  };
}

describe('handshake messages', () => {
  it('come out whole and in order, whatever the network did to their fragments', () => {
    const bodies = [0, 1, 2, 3].map((sequence) => Buffer.alloc(20 + sequence, sequence + 1));
    const fragments = bodies.flatMap((body, sequence) =>
      [0, 1, 2].map((part) => fragment(sequence, body, part * 7, part === 2 ? body.length - 14 : 7)),
    );
    const repeated = [...fragments, ...fragments];
    fc.assert(
      fc.property(fc.shuffledSubarray(repeated, { minLength: repeated.length }), (shuffled) => {
        const order = new HandshakeOrder();
        const whole = shuffled.flatMap((part) => order.accept(part));
        expect(whole.map(({ message_seq: sequence }) => sequence)).toEqual([0, 1, 2, 3]);
        for (const [sequence, message] of whole.entries()) expect(message.fragment).toEqual(bodies[sequence]);
      }),
    );
  });

  it('with a lost fragment wait instead of being filled with zeros', () => {
    const order = new HandshakeOrder();
    const body = Buffer.alloc(30, 7);
    expect(order.accept(fragment(0, body, 0, 10))).toEqual([]);
    expect(order.accept(fragment(0, body, 20, 10))).toEqual([]);
    expect(order.accept(fragment(0, body, 10, 10))).toHaveLength(1);
  });

  it('without a body are whole at once', () => {
    expect(new HandshakeOrder().accept(fragment(0, Buffer.alloc(0), 0, 0))).toHaveLength(1);
  });

  it('that lie about their size or run far ahead are ignored', () => {
    const order = new HandshakeOrder();
    const body = Buffer.alloc(10);
    expect(order.accept({ ...fragment(0, body, 0, 10), length: 5 })).toEqual([]);
    expect(order.accept({ ...fragment(0, body, 0, 10), length: 1 << 23 })).toEqual([]);
    expect(order.accept(fragment(50, body, 0, 10))).toEqual([]);
  });
});
