/** Turns a viewer's request into a revision and reports the outcome. steering.ts holds the rule. */
import type { Ticket } from '../generation/engine/admission.ts';
import type { Generator } from '../generation/generator.ts';
import { joinPrompts } from '../generation/prompt/prompt-list.ts';
import { readPrompts, sumUp } from '../generation/prompt/prompt-reading.ts';
import type { Accepted, Change, Running, StreamMode } from './contract.ts';
import type { RevisionChange, Revisions } from './revisions/revisions.ts';
import { decideSteering, FROM_NOISE } from './steering.ts';
import { kept } from '../lifetime/kept-promise.ts';

export interface AcceptanceOptions {
  mode: StreamMode;
  generator: Generator;
  revisions: Revisions;
  place: Pick<Ticket, 'position' | 'waitMs'>;
}

export class Acceptance {
  readonly #options: AcceptanceOptions;
  #latest: Promise<Accepted>;

  /** @param first what the stream starts with */
  constructor(first: RevisionChange, options: AcceptanceOptions) {
    this.#options = options;
    this.#latest = kept(this.#begin(first));
  }

  /** Outcome of the latest request. */
  get latest(): Promise<Accepted> {
    return this.#latest;
  }

  /**
   * @param prompts the new ones; undefined keeps the current ones
   * @throws GlimpseError PARAMETER_INVALID
   */
  steer(message: Change, prompts: readonly string[] | undefined): void {
    const { revisions, mode } = this.#options;
    const current = revisions.current;
    if (!current) return;
    const { seed, guidance } = message;
    const change = { ...message, prompt: prompts && joinPrompts(prompts) };
    const decision = decideSteering(change, { mode, ...current });
    this.#latest = kept(
      decision.newRevision
        ? this.#begin({ prompts, seed, guidance, decision }, decision.running)
        : this.#latest.then((accepted) => ({ ...accepted, running: decision.running })),
    );
  }

  /** Starts the same prompts over: what the pictures are made from has changed. */
  startOver(): void {
    const same = { prompts: undefined, seed: undefined, guidance: undefined, decision: FROM_NOISE };
    this.#latest = kept(this.#begin(same, FROM_NOISE.running));
  }

  async #begin(change: RevisionChange, running?: Running): Promise<Accepted> {
    const { place, revisions, generator } = this.#options;
    const queuePosition = place.position;
    const { revision, seed, prompt, stretches } = revisions.begin(change);
    const said = { ...(running && { running }), ...(queuePosition > 0 && { waitMs: place.waitMs }) };
    const accepted: Accepted = { revision, queuePosition, seed, prompt, prompts: stretches, ...said };
    if (!change.prompts) return accepted;
    // The prompt reading is optional: a generator that cannot give one does not stop the pictures.
    const readings = await readPrompts(generator, change.prompts).catch(() => undefined);
    if (!readings) return accepted;
    const fieldsOf = new Map(change.prompts.map((part, index) => [part, readings[index]?.fields]));
    const prompts = stretches.map((stretch) => ({ ...stretch, fields: fieldsOf.get(stretch.prompt) }));
    return { ...accepted, prompts, reading: sumUp(readings) };
  }
}
