/** The manifest says everything twice; whatever is said differently in one place must be found. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partEntry, toyManifest } from '../../scripts/toy-pack/manifest.ts';
import { decoderPart, denoiserPart, refinerPart, textPart, upscalerPart } from '../../scripts/toy-pack/parts.ts';
import { GlimpseError } from '../../src/errors.ts';
import type { Manifest, PartName, TensorSpec } from '../../src/generation/onnx/pack/model-pack.ts';
import { checkShapes } from '../../src/generation/onnx/pack/pack-shapes.ts';
import { timingFeeds } from '../../src/generation/onnx/runtime/part-feeds.ts';

const NAMES = ['text', 'denoiser', 'decoder', 'refiner', 'upscaler'] as const satisfies PartName[];
const graphs = [textPart(), denoiserPart(), decoderPart(), refinerPart(), upscalerPart()];
const [text, denoiser, decoder, refiner, upscaler] = graphs.map((graph) => partEntry(graph, new Uint8Array(1)));

/** A fresh, right manifest. */
const manifest = (): Manifest =>
  structuredClone(
    toyManifest({ text: text!, denoiser: denoiser!, decoder: decoder!, refiner: refiner!, upscaler: upscaler! }),
  );

/** Any tensor of any part. */
const place = fc.record({
  part: fc.constantFrom(...NAMES),
  side: fc.constantFrom('inputs', 'outputs'),
  index: fc.nat(20),
  axis: fc.nat(5),
});

function tensorAt(pack: Manifest, { part, side, index }: { part: PartName; side: string; index: number }): TensorSpec {
  const tensors = pack.parts[part]?.[side as 'inputs' | 'outputs'] ?? [];
  return tensors[index % tensors.length] as TensorSpec;
}

function faultOf(pack: Manifest): Record<string, unknown> | undefined {
  try {
    checkShapes(pack);
    return undefined;
  } catch (error) {
    if (!(error instanceof GlimpseError) || error.code !== 'MODEL_INVALID') throw error;
    return error.details;
  }
}

describe('checkShapes', () => {
  it('accepts what is right', () => expect(faultOf(manifest())).toBeUndefined());

  it('finds any dimension that is said differently, and names its part', () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 1000 }), (where, other) => {
        const pack = manifest();
        const { shape } = tensorAt(pack, where);
        const axis = where.axis % shape.length;
        fc.pre(shape[axis] !== other);
        shape[axis] = other;
        expect(faultOf(pack)).toMatchObject({ part: where.part });
      }),
    );
  });

  it('finds any dimension too many or too few', () => {
    fc.assert(
      fc.property(place, fc.boolean(), (where, longer) => {
        const pack = manifest();
        const { shape } = tensorAt(pack, where);
        if (longer) shape.push(1);
        else shape.pop();
        expect(faultOf(pack)).toMatchObject({ part: where.part });
      }),
    );
  });

  it('finds any tensor of another type or name, but for the name of what the upscaler takes', () => {
    fc.assert(
      fc.property(
        place,
        fc.constantFrom('float32', 'int64', 'uint8'),
        fc.string({ minLength: 1 }),
        (where, type, name) => {
          const retyped = manifest();
          const before = tensorAt(retyped, where);
          if (before.type !== type) {
            before.type = type;
            expect(faultOf(retyped)).toMatchObject({ part: where.part });
          }
          const renamed = manifest();
          tensorAt(renamed, where).name = `not ${name}`;
          const free = where.part === 'upscaler' && where.side === 'inputs';
          if (free) expect(faultOf(renamed)).toBeUndefined();
          else expect(faultOf(renamed)).toMatchObject({ part: where.part });
        },
      ),
    );
  });

  it('finds any size of a tier that its part does not make', () => {
    fc.assert(
      fc.property(
        fc.nat(3),
        fc.constantFrom('widthPx', 'heightPx'),
        fc.integer({ min: 1, max: 600 }),
        (tier, side, half) => {
          const pack = manifest();
          const size = pack.tiers[tier];
          fc.pre(size !== undefined && size[side] !== half * 2);
          Object.assign(size ?? {}, { [side]: half * 2 });
          expect(faultOf(pack)).toHaveProperty('part');
        },
      ),
    );
  });
});

describe('timingFeeds', () => {
  it('fills any input completely, frame indices within any slice', () => {
    const size = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), size, size, (name, b, k) => {
        for (const { type, shape, data } of Object.values(
          timingFeeds(manifest().parts[name]?.inputs ?? [], { b, k }),
        )) {
          expect(data).toHaveLength(shape.reduce((product, side) => product * side, 1));
          if (type === 'int64') expect(data.every((value) => value === 0n || value === 1n)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});
