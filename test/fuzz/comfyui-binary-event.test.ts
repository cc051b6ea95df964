import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageFormat, parseBinaryEvent } from '../../src/generation/comfyui/server/binary-event.ts';
import { parseTextEvent } from '../../src/generation/comfyui/server/wire.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';

const PNG = encodePng(2, 2, () => [1, 2, 3]);
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
};

describe('parseBinaryEvent', () => {
  it('never throws on hostile bytes, and its views stay inside them', () => {
    const header = fc
      .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5), fc.nat(300))
      .map(([event, second]) => u32(event, second));
    const message = fc
      .tuple(header, fc.uint8Array({ maxLength: 400 }))
      .map(([head, rest]) => new Uint8Array(Buffer.concat([head, rest])));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), message), (bytes) => {
        const event = parseBinaryEvent(bytes);
        if (event?.kind === 'image') expect(event.image.length).toBeLessThan(bytes.length);
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives back picture, node and prompt of event 4, whatever their names', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array({ maxLength: 50 }), (promptId, nodeId, tail) => {
        const json = Buffer.from(JSON.stringify({ node_id: nodeId, prompt_id: promptId, image_type: 'image/png' }));
        const image = Buffer.concat([PNG, tail]);
        const event = parseBinaryEvent(Buffer.concat([u32(4, json.length), json, image]));
        expect(event).toMatchObject({ kind: 'image', format: 'png' });
        if (event?.kind !== 'image') return;
        const read = JSON.parse(json.toString()) as Record<string, string>;
        expect(event.origin).toEqual({ promptId: read['prompt_id'], nodeId: read['node_id'] });
        expect(Buffer.from(event.image).equals(image)).toBe(true);
      }),
    );
  });

  it('reads event 1 by its format, and drops one whose picture is of another', () => {
    expect(parseBinaryEvent(Buffer.concat([u32(1, 2), PNG]))).toMatchObject({ kind: 'image', format: 'png' });
    expect(parseBinaryEvent(Buffer.concat([u32(1, 1), PNG]))).toBeUndefined();
    expect(imageFormat(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).toBe('jpeg');
  });

  it('reads the progress text of event 3', () => {
    const event = parseBinaryEvent(Buffer.concat([u32(3, 2), Buffer.from('12half done')]));
    expect(event).toEqual({ kind: 'text', nodeId: '12', text: 'half done' });
  });

  it('drops a picture that does not say whose it is where it should', () => {
    const json = Buffer.from('{"node_id": 7}');
    expect(parseBinaryEvent(Buffer.concat([u32(4, json.length), json, PNG]))).toBeUndefined();
  });
});

describe('parseTextEvent', () => {
  it('never throws, and knows only its own events', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const event = parseTextEvent(text);
        if (event !== undefined) expect(typeof event.type).toBe('string');
      }),
      { numRuns: 2_000 },
    );
    expect(parseTextEvent('{"type":"crystools.monitor","data":{}}')).toBeUndefined();
  });
});
