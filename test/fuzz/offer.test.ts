import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFragment, restartOffer } from '../../signaling/whep/sdp-fragment.ts';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { negotiate } from '../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../src/transport/peer/sdp/offer.ts';
import { offerSdp } from '../support/offer-sdp.ts';

/** A real offer with bytes cut, doubled, replaced or inserted. */
const mutatedOffer = fc
  .array(
    fc.record({
      at: fc.nat(2_000),
      kind: fc.constantFrom('cut', 'double', 'insert'),
      length: fc.nat(60),
      text: fc.string({ unit: 'binary', maxLength: 12 }),
    }),
    { maxLength: 6 },
  )
  .map((edits) => {
    let sdp = offerSdp();
    for (const { at, kind, length, text } of edits) {
      const middle = sdp.slice(at, at + length);
      const replacement = { cut: '', double: middle + middle, insert: text + middle }[kind];
      sdp = sdp.slice(0, at) + replacement + sdp.slice(at + length);
    }
    return sdp;
  });

const anything = fc.oneof(mutatedOffer, fc.string({ unit: 'binary', maxLength: 4_000 }));

/** Undefined for an offer that can be answered. Anything but our errors is thrown on. */
function refusalOf(sdp: string): GlimpseError | undefined {
  try {
    negotiate(readOffer(sdp), ['VP8', 'H264']);
    return undefined;
  } catch (error) {
    if (error instanceof GlimpseError) return error;
    throw error;
  }
}

describe('readOffer', () => {
  it('refuses anything with a code, or lets it be answered', () => {
    fc.assert(
      fc.property(anything, (sdp) => {
        const refusal = refusalOf(sdp);
        if (refusal) expect(['SDP_INVALID', 'SDP_TOO_LARGE', 'CODEC_UNSUPPORTED']).toContain(refusal.code);
      }),
    );
  });

  it('passes only what keeps its promises', () => {
    fc.assert(
      fc.property(anything, (sdp) => {
        if (refusalOf(sdp)) return;
        expect(sdp.startsWith('v=0')).toBe(true);
        expect(sdp).toMatch(/^m=video /m);
        expect(sdp).toMatch(/^a=ice-ufrag:\S{4,}/m);
        expect(sdp).toMatch(/^a=fingerprint:/m);
        expect(Buffer.byteLength(sdp)).toBeLessThanOrEqual(LIMITS.sdpMaxBytes);
        expect(sdp.split('\n').length).toBeLessThanOrEqual(LIMITS.sdpMaxLines + 1);
      }),
    );
  });

  it('refuses every offer over a count, whatever else it holds', () => {
    const over = fc.integer({ min: LIMITS.sdpMaxSsrcLines + 1, max: 300 });
    fc.assert(
      fc.property(over, fc.boolean(), (count, grouped) => {
        const prefix = grouped ? 'a=ssrc-group:FID' : 'a=ssrc:1';
        const extra = Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
        expect(refusalOf(offerSdp({ extra }))?.code).toBe('SDP_TOO_LARGE');
      }),
    );
  });

  it('never quotes the offer in its message', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('Q', 'X', 'Z'), minLength: 8, maxLength: 40 }), (secret) => {
        for (const sdp of [`v=0\r\n${secret}`, offerSdp({ ufrag: `${secret} ` }), offerSdp({ extra: [`m=${secret}`] })])
          expect(refusalOf(sdp)?.message).not.toContain(secret);
      }),
    );
  });
});

describe('parseFragment', () => {
  it('reads or refuses anything with a code, and what it reads makes a restart offer', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('a=mid:0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=end-of-candidates', 'a=ice-ufrag:wxyz'),
      fc.constantFrom('a=ice-pwd:zyxwvutsrqponmlkjihgfedc', 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        try {
          const fragment = parseFragment(lines.join('\r\n'));
          if (fragment.ufrag !== undefined) expect(typeof restartOffer(offerSdp(), fragment)).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(GlimpseError);
          expect(['SDP_INVALID', 'SDP_TOO_LARGE']).toContain((error as GlimpseError).code);
        }
      }),
    );
  });
});
