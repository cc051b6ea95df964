/** Whatever finite trouble the network makes, a handshake ends in a connection, in virtual time. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DtlsPair, perfect, type Fate } from '../../../../support/dtls-pair.ts';

/** Lost, late, doubled, or all of it at once: up to three copies, each up to a second late. */
const fate: fc.Arbitrary<Fate> = fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 3 });
/** Longer than the client's retransmission timer, and than ours, times the datagrams that may be lost in a row. */
const PATIENCE_MS = 10_000;

describe('a DTLS handshake', () => {
  it('connects after any finite pattern of loss, delay and duplication, with one set of keys', () => {
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 40 }), (fates) => {
        let count = 0;
        const pair = new DtlsPair((datagram, direction) => fates[count++] ?? perfect(datagram, direction));
        pair.connect(PATIENCE_MS);
        expect(pair.failure).toBeUndefined();
        expect(pair.connected).toBe(true);
        expect(pair.serverKeys!.localKey).toEqual(pair.clientKeys!.remoteKey);
        pair.client.send(Buffer.from('up'));
        pair.session.send(Buffer.from('down'));
        pair.time.advance(2_000);
        expect([pair.serverHeard, pair.clientHeard]).toEqual([['up'], ['down']]);
        pair.session.close();
      }),
      { numRuns: 150 },
    );
  });

  it('connects though each datagram is lost the first times it is sent, by our timer where the client has none', () => {
    // The client sends each flight once: only our timer, and its own answers to it, bring it on.
    for (const losses of [1, 2, 3]) {
      let lost = 0;
      const pair = new DtlsPair((_datagram, direction) => (direction === 'toClient' && lost++ < losses ? [] : [5]));
      pair.client.start();
      pair.time.advance(PATIENCE_MS);
      expect(pair.connected).toBe(true);
      pair.session.close();
    }
  });

  it('leaves no timer behind, however it ended', () => {
    const connected = new DtlsPair().connect();
    expect(connected.time.timers).toBeLessThanOrEqual(1);
    connected.time.advance(100);
    expect(connected.time.timers).toBe(0);
    const closed = new DtlsPair(() => []);
    closed.client.start();
    closed.session.close();
    expect(closed.time.timers).toBe(0);
  });
});
