import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pacer, type PacedPacket } from '../../../src/transport/pacing/pacer.ts';

interface Sent {
  name: string;
  atUs: number;
  probeId: number | undefined;
}

/** A pacer with a record of what left and what was dropped; packets are 1000 bytes. */
function setUp(rateBps: number, initialWindowBytes = 0) {
  const sent: Sent[] = [];
  const dropped: number[] = [];
  const discarded: string[] = [];
  const path = { up: true, filler: false };
  const pacer = new Pacer<string>(rateBps, {
    initialWindowBytes,
    send: ({ content, sizeBytes }, atUs, probeId) => {
      if (!path.up) return undefined;
      sent.push({ name: content, atUs, probeId });
      return sizeBytes;
    },
    filler: (sizeBytes) => (path.filler ? { kind: 'padding', sizeBytes, frame: 0, content: 'filler' } : undefined),
    onDrop: (frames) => dropped.push(frames),
    onDiscard: ({ content }) => discarded.push(content),
  });
  return { pacer, sent, dropped, discarded, path, names: () => sent.map(({ name }) => name) };
}

const packets = (kind: PacedPacket<string>['kind'], frame: number, count = 1, ofKeyframe = false) =>
  Array.from({ length: count }, (_, index) => ({
    kind,
    frame,
    ofKeyframe,
    sizeBytes: 1_000,
    content: `${kind}${frame}.${index}`,
  }));

/** Calls `process` exactly when it asks to be called. */
function drain(pacer: Pacer<string>, fromUs: number, untilUs = Infinity): number {
  let nowUs = fromUs;
  for (;;) {
    const { nextUs } = pacer.process(nowUs);
    if (nextUs === undefined || nextUs > untilUs) return nowUs;
    nowUs = nextUs;
  }
}

describe('Pacer', () => {
  it('lets a frame leave at once when nothing was sent before', () => {
    const { pacer, names } = setUp(1e6);
    pacer.enqueue(packets('keyframe', 0), 5);
    expect(names()).toEqual(['keyframe0.0']);
  });

  it('sends the first ten packets unpaced, and only those', () => {
    const { pacer, names } = setUp(4e5, 10_000);
    pacer.enqueue(packets('keyframe', 0, 8), 0);
    expect(names()).toHaveLength(8);
    pacer.enqueue(packets('delta', 1, 5), 0);
    // Two more of the window, and one that makes the debt.
    expect(names()).toHaveLength(11);
    drain(pacer, 0);
    pacer.enqueue(packets('keyframe', 2, 8), 60e6);
    // The two deltas that waited, and one packet of the new frame.
    expect(names()).toHaveLength(14);
  });

  it('spreads a frame at the rate, in bursts of at most 2 ms and a packet', () => {
    const { pacer, sent } = setUp(8e6);
    pacer.enqueue(packets('keyframe', 0, 100), 0);
    const endUs = drain(pacer, 0);
    // 100 kB at 1 byte a microsecond, less the last burst, which needs no waiting.
    expect(endUs).toBeGreaterThanOrEqual(97_000);
    expect(endUs).toBeLessThanOrEqual(100_000);
    const bursts = Map.groupBy(sent, ({ atUs }) => atUs);
    expect(Math.max(...[...bursts.values()].map((burst) => burst.length))).toBeLessThanOrEqual(3);
  });

  it('sends the keyframe before older deltas, which it flushes', () => {
    const { pacer, names } = setUp(1e5);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue(packets('delta', 1, 3), 0);
    pacer.enqueue(packets('rtx', 0, 2), 0);
    pacer.enqueue(packets('keyframe', 2, 2), 0);
    drain(pacer, 0);
    expect(names()).toEqual(['keyframe0.0', 'keyframe2.0', 'keyframe2.1']);
  });

  it('orders keyframe, its retransmissions, other retransmissions, deltas', () => {
    const { pacer, names } = setUp(1e6);
    pacer.enqueue(packets('keyframe', 0, 3), 0);
    pacer.enqueue(packets('delta', 1), 0);
    pacer.enqueue(packets('rtx', 8), 0);
    pacer.enqueue(packets('rtx', 9, 1, true), 0);
    drain(pacer, 0);
    expect(names()).toEqual(['keyframe0.0', 'keyframe0.1', 'keyframe0.2', 'rtx9.0', 'rtx8.0', 'delta1.0']);
  });

  it('takes nothing before the first keyframe', () => {
    const { pacer } = setUp(1e6);
    expect(pacer.enqueue(packets('delta', 0), 0)).toBe(false);
  });

  it('drops late deltas with all that depend on them, says so, and refuses more until a keyframe', () => {
    const { pacer, dropped, names } = setUp(1e4);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue([{ kind: 'delta', frame: 1, sizeBytes: 100, content: 'delta1' }], 0);
    pacer.enqueue([{ kind: 'delta', frame: 2, sizeBytes: 100, content: 'delta2' }], 350_000);
    expect(dropped).toEqual([]);
    pacer.process(400_001);
    expect(dropped).toEqual([2]);
    expect(pacer.enqueue(packets('delta', 3), 400_002)).toBe(false);
    pacer.enqueue(packets('keyframe', 4), 2_000_000);
    expect(names()).toEqual(['keyframe0.0', 'keyframe4.0']);
    expect(pacer.enqueue(packets('delta', 5), 2_000_000)).toBe(true);
  });

  it('holds no more than 400 ms of deltas', () => {
    const { pacer, dropped } = setUp(1e6);
    pacer.enqueue(packets('keyframe', 0, 3), 0);
    pacer.enqueue(packets('delta', 1, 50), 0);
    expect(dropped).toEqual([]);
    pacer.enqueue(packets('delta', 2), 0);
    expect(dropped).toEqual([2]);
  });

  it('drops retransmissions that waited too long, and says that a keyframe is needed', () => {
    const { pacer, dropped, discarded, names } = setUp(1e5);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue(packets('rtx', 0, 3), 0);
    pacer.process(400_001);
    expect(dropped).toEqual([0]);
    expect(discarded).toEqual(['rtx0.0', 'rtx0.1', 'rtx0.2']);
    drain(pacer, 400_001);
    expect(names()).toEqual(['keyframe0.0']);
    expect(pacer.enqueue(packets('delta', 1), 2e6)).toBe(true);
  });

  it.each([false, true])('holds no more than 400 ms of retransmissions and refuses the newest (keyframe: %s)', (of) => {
    const { pacer, dropped, discarded } = setUp(1e6);
    pacer.enqueue(packets('keyframe', 0, 3), 0);
    drain(pacer, 0);
    pacer.enqueue(packets('rtx', 1, 60, of), 24_000);
    expect(dropped).toEqual([0]);
    expect(discarded[0]).toBe('rtx1.50');
    expect(discarded.at(-1)).toBe('rtx1.59');
    expect(pacer.queueMs).toBeLessThanOrEqual(400);
  });

  it('lets one retransmission wait however low the rate is', () => {
    const { pacer, discarded } = setUp(1e4);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue(packets('rtx', 0, 2), 0);
    expect(discarded).toEqual(['rtx0.1']);
  });

  it('tells of everything that a keyframe flushes', () => {
    const { pacer, discarded } = setUp(1e5);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue(packets('delta', 1), 0);
    pacer.enqueue(packets('rtx', 0), 0);
    pacer.enqueue(packets('keyframe', 2), 0);
    expect(discarded.toSorted()).toEqual(['delta1.0', 'rtx0.0']);
  });

  it('keeps packets while there is no path and goes on in order', () => {
    const { pacer, names, path } = setUp(1e6);
    path.up = false;
    pacer.enqueue(packets('keyframe', 0, 2), 0);
    expect(pacer.process(10).nextUs).toBe(20_010);
    path.up = true;
    drain(pacer, 50_000);
    expect(names()).toEqual(['keyframe0.0', 'keyframe0.1']);
  });

  it('makes up for a late timer but saves nothing while idle', () => {
    const { pacer, sent } = setUp(1e6);
    pacer.enqueue(packets('keyframe', 0), 0);
    pacer.enqueue(packets('delta', 1, 10), 1e6);
    expect(sent.filter(({ atUs }) => atUs === 1e6)).toHaveLength(1);
    // Due after 8 ms: the other eight, and a burst, are made up for.
    pacer.process(1e6 + 16_000);
    expect(sent.filter(({ atUs }) => atUs === 1e6 + 16_000)).toHaveLength(2);
  });

  it('sends a probe at its own rate, out of the queue first and filled up after', () => {
    const { pacer, sent, path } = setUp(1e6);
    path.filler = true;
    pacer.enqueue(packets('keyframe', 0, 4), 0);
    pacer.startProbe({ id: 7, rateBps: 8e6, sizeBytes: 6_000 }, 0);
    drain(pacer, 0);
    const probe = sent.filter(({ probeId }) => probeId === 7);
    expect(probe.map(({ name }) => name).slice(0, 3)).toEqual(['keyframe0.1', 'keyframe0.2', 'keyframe0.3']);
    expect(probe[1]!.atUs - probe[0]!.atUs).toBe(1_000);
    expect(pacer.probing).toBe(false);
  });

  it('gives up a probe that is more than 10 ms late, or has nothing to send', () => {
    const { pacer, sent, path } = setUp(1e6);
    path.filler = true;
    pacer.startProbe({ id: 1, rateBps: 8e6, sizeBytes: 10_000 }, 0);
    expect(pacer.probing).toBe(true);
    pacer.process(20_000);
    expect(pacer.probing).toBe(false);
    expect(sent).toHaveLength(1);
    path.filler = false;
    pacer.startProbe({ id: 2, rateBps: 8e6, sizeBytes: 10_000 }, 30_000);
    expect(pacer.probing).toBe(false);
  });

  it('never exceeds its rate by more than a burst, and always finishes', () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 8 }), waitUs: fc.nat(100_000) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.integer({ min: 2e5, max: 1e7 }), steps, (rateBps, frames) => {
        const { pacer, sent } = setUp(rateBps);
        let nowUs = 0;
        frames.forEach(({ count, waitUs }, frame) => {
          pacer.enqueue(packets('keyframe', frame, count), nowUs);
          drain(pacer, nowUs, nowUs + waitUs);
          nowUs += waitUs;
        });
        drain(pacer, nowUs);
        expect(pacer.queueMs).toBe(0);
        // A late timer's worth, a burst in advance and a packet above the line, from any instant on.
        for (let from = 0; from < sent.length; from++) {
          const spanUs = sent.at(-1)!.atUs - sent[from]!.atUs;
          const bytes = (sent.length - from) * 1_000;
          expect(bytes).toBeLessThanOrEqual((rateBps * (spanUs + 12_000)) / 8e6 + 2_001);
        }
      }),
    );
  });
});
