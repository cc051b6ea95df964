/** Questions to a worker that have one answer: what it is, how it reads a prompt, a prompt's embedding. */
import type { z } from 'zod';
import { GlimpseError } from '../../../errors.ts';
import type { PromptReading } from '../../generator.ts';
import type { Bus } from '../bus.ts';
import { descriptionSchema, type Description } from '../wire/description.ts';
import { decodeMessage, encodeMessage, malformed, type Envelope } from '../wire/envelope.ts';
import { areFinite, floatsOf } from '../wire/floats.ts';
import { doneSchema, embeddingSchema, leasesSchema, readingSchema, refusalSchema, type Ask } from '../wire/messages.ts';
import type { Subjects } from '../wire/subjects.ts';

const TIMEOUT_MS = 2_000;

export class Questions {
  readonly #bus: Bus;
  readonly #subjects: Subjects;

  constructor(bus: Bus, subjects: Subjects) {
    this.#bus = bus;
    this.#subjects = subjects;
  }

  /** @throws GlimpseError CLUSTER_DOWN, CLUSTER_PROTOCOL, CLUSTER_VERSION, as all questions here */
  async describe(worker: string): Promise<Description> {
    return (await this.#ask(worker, { type: 'describe' }, descriptionSchema)).header;
  }

  async read(worker: string, prompt: string): Promise<PromptReading> {
    const { unknownWords, fields } = (await this.#ask(worker, { type: 'read', prompt }, readingSchema)).header;
    return { unknownWords, fields };
  }

  async embed(worker: string, prompt: string): Promise<Float32Array> {
    const { header, bytes } = await this.#ask(worker, { type: 'embed', prompt }, embeddingSchema);
    const floats = floatsOf(bytes);
    if (floats.length !== header.floats || !areFinite(floats)) throw malformed('an embedding of another length');
    return floats;
  }

  async leases(worker: string): Promise<z.infer<typeof leasesSchema>['leases']> {
    return (await this.#ask(worker, { type: 'leases' }, leasesSchema)).header.leases;
  }

  /** Asks a worker to take no more jobs, finish those it has, and end. */
  async drain(worker: string): Promise<void> {
    await this.#ask(worker, { type: 'drain' }, doneSchema);
  }

  async #ask<Schema extends z.ZodType>(worker: string, ask: Ask, schema: Schema): Promise<Envelope<z.infer<Schema>>> {
    const answer = await this.#bus.request(this.#subjects.ask(worker), encodeMessage(ask), TIMEOUT_MS);
    const { header, bytes } = decodeMessage(answer, schema.or(refusalSchema));
    const refusal = refusalSchema.safeParse(header);
    if (refusal.success) throw new GlimpseError(refusal.data.code);
    return { header: header as z.infer<Schema>, bytes };
  }
}
