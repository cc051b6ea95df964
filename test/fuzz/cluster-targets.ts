/** What nodes of a cluster send each other. A gateway trusts no worker, and a worker no gateway. */
import { descriptionSchema } from '../../src/generation/cluster/wire/description.ts';
import { decodeMessage, encodeMessage } from '../../src/generation/cluster/wire/envelope.ts';
import { unpackJob } from '../../src/generation/cluster/wire/job-body.ts';
import {
  askSchema,
  beatSchema,
  readingSchema,
  toGatewaySchema,
  toWorkerSchema,
} from '../../src/generation/cluster/wire/messages.ts';
import { RenditionReader } from '../../src/generation/cluster/wire/rendition-reader.ts';
import type { SliceJob } from '../../src/generation/generator.ts';
import { refusing, type FuzzTarget } from './target.ts';

const SLICE: SliceJob = { revision: 1, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };
const SIZE = { widthPx: 16, heightPx: 16 };
const INFO = {
  name: 'counting',
  conditioning: 'anything',
  slice: { frames: 4, fps: 12 },
  tiers: [
    { tier: 'draft' as const, ...SIZE },
    { tier: 'refined' as const, ...SIZE },
  ],
  examples: ['a red ball'],
  progressive: true,
};
const HEAD = { type: 'rendition', job: 'j', pack: 'p', revision: 1, slice: 0, tier: 'draft', frames: 4, ...SIZE };
const BEAT = { type: 'beat', id: 'w', name: 'host', pack: 'p', state: 'ready', count: 4, jobs: 0, leases: 0 };
const OPEN = { type: 'open', job: 'j', gateway: 'g', pack: 'p', stream: 's', user: 'u', weight: 1, slice: SLICE };

const message = (header: object, bytes = 0): Buffer => Buffer.from(encodeMessage(header, [new Uint8Array(bytes)]));

export function clusterTargets(): FuzzTarget[] {
  return [
    {
      name: 'cluster-answer',
      seeds: [
        message({ ...HEAD, latents: 2, computeMs: 3 }),
        message({ type: 'chunk', job: 'j' }, 64),
        message({ type: 'failed', job: 'j', code: 'GENERATOR_DOWN', message: 'no' }),
        message({ type: 'refused', job: 'j', reason: 'draining' }),
        message({ type: 'progress', job: 'j', ratio: 0.5 }),
      ],
      costMaxMs: 20,
      run: (input) =>
        refusing(() => {
          const { header, bytes } = decodeMessage(input, toGatewaySchema);
          const reader = new RenditionReader({ job: 'j', pack: 'p', slice: SLICE, info: INFO });
          if (header.type === 'rendition') reader.begin(header);
          const rendition = bytes.length > 0 ? reader.add(bytes) : undefined;
          if (rendition && rendition.frames.length > INFO.slice.frames) throw new Error('more frames than a slice has');
        }),
    },
    {
      name: 'cluster-job',
      seeds: [
        message({ ...OPEN, latents: { previous: 4, start: 4, strength: 0.5 }, bytes: 32, credit: 1_000 }, 32),
        message({ type: 'pull', job: 'j', rank: 1, dueInMs: 250, variant: 'fast' }),
        message({ type: 'alive', gateway: 'g', jobs: ['j', 'k'] }),
      ],
      costMaxMs: 20,
      run: (input) =>
        refusing(() => {
          const { header, bytes } = decodeMessage(input, toWorkerSchema);
          if (header.type === 'open') unpackJob(header, bytes);
        }),
    },
    {
      name: 'cluster-node',
      seeds: [
        message({ ...BEAT, jobsMax: 64, backlogMs: 12.5, costsMs: { draft: 3, base: 9 } }),
        message({ type: 'description', pack: 'p', info: INFO, embeds: true }),
        message({ type: 'reading', unknownWords: ['xyzzy'], fields: { scene: 'meadow' } }),
        message({ type: 'read', prompt: 'a red ball' }),
      ],
      costMaxMs: 20,
      run: (input) => {
        for (const schema of [beatSchema, descriptionSchema, readingSchema, askSchema])
          refusing(() => void decodeMessage(input, schema));
      },
    },
  ];
}
