import { describe, expect, it } from 'vitest';
import { KeyframeRequests } from '../../../src/transport/rtcp/keyframe-requests.ts';

const calm = { targetBps: 1e6, sentBps: 1e6, rttMs: 50, sending: false };

describe('KeyframeRequests', () => {
  it('answers many requests with one keyframe', () => {
    const requests = new KeyframeRequests();
    requests.request('pli');
    requests.request('pli');
    expect(requests.take({ ...calm, nowUs: 0 })).toBe('pli');
    requests.onKeyframe(5_000, 20_000);
    for (const nowUs of [100_000, 200_000, 300_000]) {
      requests.request('pli');
      expect(requests.take({ ...calm, nowUs })).toBeUndefined();
    }
    requests.request('fir');
    expect(requests.take({ ...calm, nowUs: 1_000_000 })).toBe('fir');
  });

  it('grants viewers one keyframe a second, however many they ask for, and its own drop one at once', () => {
    const requests = new KeyframeRequests();
    const granted: number[] = [];
    for (let nowUs = 0; nowUs < 10e6; nowUs += 20_000) {
      requests.request('pli');
      if (!requests.take({ ...calm, nowUs })) continue;
      requests.onKeyframe(500, nowUs);
      granted.push(nowUs);
    }
    expect(granted).toHaveLength(10);
    expect(Math.min(...granted.slice(1).map((nowUs, index) => nowUs - granted[index]!))).toBeGreaterThanOrEqual(1e6);
    requests.request('drop');
    expect(requests.take({ ...calm, nowUs: granted.at(-1)! + 400_000 })).toBe('drop');
  });

  it('waits a round trip when that is longer', () => {
    const requests = new KeyframeRequests();
    requests.onKeyframe(100, 0);
    requests.request('pli');
    expect(requests.take({ ...calm, rttMs: 800, nowUs: 700_000 })).toBeUndefined();
    requests.request('pli');
    expect(requests.take({ ...calm, rttMs: 800, nowUs: 800_000 })).toBe('pli');
  });

  it('remembers its own drop until the keyframe on its way has left', () => {
    const requests = new KeyframeRequests();
    requests.request('drop');
    expect(requests.take({ ...calm, sending: true, nowUs: 1e6 })).toBeUndefined();
    expect(requests.take({ ...calm, nowUs: 1.1e6 })).toBe('drop');
  });

  it('does not wait for a keyframe to be paid for where nothing can be sent before it', () => {
    const requests = new KeyframeRequests();
    const idle = { ...calm, sentBps: 0 };
    requests.take({ ...idle, nowUs: 0 });
    requests.onKeyframe(50_000, 0);
    requests.request('drop');
    expect(requests.take({ ...idle, nowUs: 600_000 })).toBeUndefined();
    expect(requests.take({ ...idle, nowUs: 600_000, stalled: true })).toBe('drop');
  });

  it('spends at most a fifth of the bitrate on keyframes in a storm', () => {
    const requests = new KeyframeRequests();
    let bits = 0;
    for (let nowUs = 0; nowUs < 60e6; nowUs += 10_000) {
      requests.request('pli');
      if (!requests.take({ ...calm, nowUs })) continue;
      requests.onKeyframe(20_000, nowUs);
      bits += 160_000;
    }
    expect(bits / 60).toBeGreaterThan(0.12e6);
    expect(bits / 60).toBeLessThan(0.2e6);
  });

  it('counts what is sent, not what might be, and leaves a picture that stands one in five seconds', () => {
    const storm = (sentBps: number): number => {
      const requests = new KeyframeRequests();
      let bits = 0;
      for (let nowUs = 0; nowUs < 60e6; nowUs += 10_000) {
        requests.request('pli');
        if (!requests.take({ ...calm, sentBps, nowUs })) continue;
        requests.onKeyframe(4_000, nowUs);
        bits += 32_000;
      }
      return bits / 60;
    };
    expect(storm(120e3)).toBeGreaterThan(0.12 * 120e3);
    expect(storm(120e3)).toBeLessThan(0.2 * 120e3);
    // A keyframe in five seconds.
    expect(storm(0) / (32_000 / 60)).toBeCloseTo(12, 0);
  });
});
