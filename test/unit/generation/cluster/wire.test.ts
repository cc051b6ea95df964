import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeMessage, encodeMessage } from '../../../../src/generation/cluster/wire/envelope.ts';
import { chunksOf, Collected } from '../../../../src/generation/cluster/wire/floats.ts';
import { packJob, unpackJob } from '../../../../src/generation/cluster/wire/job-body.ts';
import { toGatewaySchema } from '../../../../src/generation/cluster/wire/messages.ts';
import { packRendition } from '../../../../src/generation/cluster/wire/rendition-body.ts';
import { RenditionReader } from '../../../../src/generation/cluster/wire/rendition-reader.ts';
import { checkedName, Subjects } from '../../../../src/generation/cluster/wire/subjects.ts';
import type { Rendition, SliceJob } from '../../../../src/generation/generator.ts';
import { CountingGenerator } from '../../../support/counting-generator.ts';
import { JOB } from '../../../support/cluster-fixture.ts';

const anyHeader = z.looseObject({});
const floats = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 });
const concat = (pieces: readonly Uint8Array[]): Uint8Array => Buffer.concat(pieces);

describe('a message', () => {
  it('comes out as it went in', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-w]{1,9}$/), fc.string(), { noNullPrototype: true }),
        fc.array(fc.uint8Array({ maxLength: 99 })),
        (header, pieces) => {
          const read = decodeMessage(encodeMessage({ ...header, x: 1 }, pieces), anyHeader);
          expect(JSON.stringify(read.header)).toBe(JSON.stringify({ ...header, x: 1 }));
          expect(concat([read.bytes])).toEqual(concat(pieces));
        },
      ),
    );
  });

  it('is refused with a code if it is cut, empty, too long, or of a far version', () => {
    const message = encodeMessage({ type: 'end', job: 'j' }, [new Uint8Array(3)]);
    for (let length = 0; length < message.length - 3; length++)
      expect(() => decodeMessage(message.subarray(0, length), toGatewaySchema)).toThrow(
        expect.objectContaining({ code: 'CLUSTER_PROTOCOL' }),
      );
    for (const version of [0, 2])
      expect(decodeMessage(new Uint8Array([version, ...message.subarray(1)]), toGatewaySchema).header.type).toBe('end');
    for (const version of [3, 255])
      expect(() => decodeMessage(new Uint8Array([version, ...message.subarray(1)]), toGatewaySchema)).toThrow(
        expect.objectContaining({ code: 'CLUSTER_VERSION' }),
      );
    expect(() =>
      decodeMessage(encodeMessage({ type: 'end', job: 'j' }, [new Uint8Array(300_000)]), toGatewaySchema),
    ).toThrow();
    expect(() => decodeMessage(encodeMessage({ x: 'y'.repeat(100_000) }), anyHeader)).toThrow();
  });

  it('of a newer version may say more', () => {
    const newer = encodeMessage({ type: 'end', job: 'j', reason: 'new in version 2' });
    expect(decodeMessage(newer, toGatewaySchema).header).toEqual({ type: 'end', job: 'j' });
  });
});

describe('bytes in chunks', () => {
  it('are the same bytes, in chunks no longer than allowed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.integer({ min: 1, max: 64 }), (parts, max) => {
        const chunks = [...chunksOf(parts, max)].map(concat);
        expect(concat(chunks)).toEqual(concat(parts));
        for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBe(max);
      }),
    );
  });

  it('are not taken beyond what was announced', () => {
    const collected = new Collected(3);
    expect([
      collected.add(new Uint8Array(2)),
      collected.add(new Uint8Array(2)),
      collected.add(new Uint8Array(0)),
    ]).toEqual([true, false, false]);
    expect([collected.add(new Uint8Array(1)), collected.complete]).toEqual([true, true]);
  });
});

describe('a job', () => {
  it('comes out as it went in', () => {
    const jobs = fc.record(
      {
        previous: floats,
        start: fc.record({ latents: floats, strength: fc.float({ min: 0, max: 1, noNaN: true }) }),
        reference: floats,
        guidance: fc.float({ noNaN: true, noDefaultInfinity: true }),
        startAtTier: fc.constantFrom('draft' as const, 'base' as const),
        mix: fc.constant({ towards: 'a blue ball', amount: 0.5, interpolation: 'linear' as const }),
        maxSteps: fc.nat(9),
        options: fc.constant({ negativePrompt: 'blur', steps: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(jobs, (extra) => {
        const job: SliceJob = { ...JOB, ...extra };
        const { slice, latents, parts } = packJob(job);
        const wired = JSON.parse(JSON.stringify({ slice, latents })) as Pick<
          ReturnType<typeof packJob>,
          'slice' | 'latents'
        >;
        expect(JSON.stringify(unpackJob(wired, concat(parts)))).toBe(
          JSON.stringify(unpackJob({ slice, latents }, concat(parts))),
        );
        expect(unpackJob({ slice, latents }, concat(parts))).toEqual(job);
      }),
    );
  });
});

describe('a rendition', () => {
  const { info } = new CountingGenerator();
  const expected = { job: 'j', pack: 'p', slice: JOB, info };

  it('comes out as it went in, cut anywhere', async () => {
    const made: Rendition[] = [];
    for await (const rendition of new CountingGenerator().generate(JOB, { signal: new AbortController().signal }))
      made.push(rendition);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (max) => {
        const reader = new RenditionReader(expected);
        const read = made.map((rendition) => {
          const { head, parts } = packRendition(rendition, { job: 'j', pack: 'p' });
          reader.begin(head);
          return [...chunksOf(parts, max)].map((chunk) => reader.add(concat(chunk))).at(-1);
        });
        expect(read).toEqual(made);
      }),
      { numRuns: 20 },
    );
  });

  it('brings its sound, of the right length or not at all', () => {
    const withSound = { ...info, sound: { channels: 2 as const } };
    const samples = (2 * 4 * 48_000) / 12;
    const audio = {
      channels: 2 as const,
      samples: Float32Array.from({ length: samples }, (_, index) => Math.sin(index)),
    };
    const frame = { widthPx: 16, heightPx: 16, data: new Uint8Array(384).fill(9) };
    const rendition: Rendition = {
      revision: 1,
      slice: 0,
      tier: 'draft',
      frames: [frame, frame, frame, frame],
      audio,
      computeMs: 1,
    };
    const { head, parts } = packRendition(rendition, { job: 'j', pack: 'p' });
    const reader = new RenditionReader({ ...expected, info: withSound });
    reader.begin(head);
    expect(reader.add(concat(parts))).toEqual(rendition);
    for (const [wrong, of] of [
      [head, info],
      [{ ...head, audio: { channels: 2 as const, samples: samples - 2 } }, withSound],
      [head, { ...info, sound: { channels: 1 as const } }],
    ] as const)
      expect(() => new RenditionReader({ ...expected, info: of }).begin(wrong)).toThrow(
        expect.objectContaining({ code: 'CLUSTER_PROTOCOL' }),
      );
  });

  it('may come in runs of frames, in order and once', () => {
    const run = (firstFrame: number, frames: number, tier: 'draft' | 'base' = 'draft') => ({
      type: 'rendition' as const,
      job: 'j',
      pack: 'p',
      revision: 1,
      slice: 0,
      tier,
      latents: 0,
      computeMs: 1,
      widthPx: 16,
      heightPx: 16,
      firstFrame,
      frames,
    });
    const after = (...runs: ReturnType<typeof run>[]): (() => void) => {
      const reader = new RenditionReader(expected);
      return () => {
        for (const head of runs) {
          reader.begin(head);
          reader.add(new Uint8Array(head.frames * 384));
        }
      };
    };
    expect(after(run(0, 1), run(1, 2), run(3, 1), run(0, 4), run(0, 4, 'base'))).not.toThrow();
    for (const runs of [
      [run(0, 1), run(2, 1)],
      [run(1, 1)],
      [run(0, 3), run(3, 2)],
      [run(0, 4), ...Array.from({ length: 100 }, () => run(0, 4))],
      [run(0, 4, 'base'), run(0, 4, 'base')],
      [run(0, 4), run(4, 1)],
      [run(0, 4, 'base'), run(0, 4)],
    ])
      expect(after(...runs)).toThrow(expect.objectContaining({ code: 'CLUSTER_PROTOCOL' }));
  });
});

describe('subjects', () => {
  it('take no name that would be another subject', () => {
    for (const name of ['a.b', '*', '>', '', ' ', 'ä', 'x'.repeat(65)])
      expect(() => checkedName(name, '--cluster-name')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    const subjects = new Subjects('main');
    expect(subjects.worker('w')).toBe('glimpse.main.worker.w');
    expect(subjects.beat('w')).toMatch(/^glimpse\.main\.beat\.\d+\.w$/);
  });
});
