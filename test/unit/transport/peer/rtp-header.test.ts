import { describe, expect, it } from 'vitest';
import { RtpHeaderTemplate } from '../../../../src/transport/peer/srtp/rtp-header.ts';

const packet = { sequenceNumber: 1, rtpTimestamp: 2, marker: true, payloadType: 96 };
const template = new RtpHeaderTemplate(1, { mid: '0', extensions: { transportWideCc: 3, mid: 4, playoutDelay: 12 } });

/** Least and most of the playout-delay extension, ms. */
function playoutDelayOf(playoutDelayMs?: number): [number, number] | undefined {
  const out = Buffer.alloc(template.sizeBytes);
  const delay = playoutDelayMs === undefined ? {} : { playoutDelayMs };
  template.write(out, { packet: { ...packet, ...delay }, transportSequence: 7, wallMs: 0 });
  for (let at = 16; at < out.length; at += 2 + (out[at]! & 15)) {
    if (out[at]! >> 4 !== 12) continue;
    const value = out.readUIntBE(at + 1, 3);
    return [10 * (value >> 12), 10 * (value & 0xfff)];
  }
  return undefined;
}

describe('RtpHeaderTemplate', () => {
  it('asks the viewer to show frames at once unless told otherwise', () => {
    expect(playoutDelayOf()).toEqual([0, 0]);
    expect(playoutDelayOf(0)).toEqual([0, 0]);
  });

  it('writes a reserve, in tens of milliseconds, and lets nothing of it stay behind', () => {
    const [least, most] = playoutDelayOf(130)!;
    expect(least).toBe(130);
    expect(most).toBeGreaterThanOrEqual(least);
    expect(playoutDelayOf(0)).toEqual([0, 0]);
  });

  it('stays within twelve bits', () => {
    expect(playoutDelayOf(1e9)).toEqual([40_950, 40_950]);
  });

  it('lets a viewer with sound hold pictures back by itself', () => {
    const extensions = { transportWideCc: 3, mid: 4, playoutDelay: 12 };
    const withSound = new RtpHeaderTemplate(1, { mid: '0', extensions }, 500);
    const delayOf = (playoutDelayMs: number): number => {
      const out = Buffer.alloc(withSound.sizeBytes);
      const packet = { sequenceNumber: 1, rtpTimestamp: 1, marker: false, payloadType: 96, playoutDelayMs };
      withSound.write(out, { packet, transportSequence: 1, wallMs: 0 });
      const at = out.indexOf((12 << 4) | 2);
      return out.readUIntBE(at + 1, 3);
    };
    expect(delayOf(0)).toBe(50);
    expect(delayOf(130)).toBe((13 << 12) | 50);
    expect(delayOf(700)).toBe((70 << 12) | 70);
  });
});
