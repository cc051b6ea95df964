/** Answers the questions that gateways and operators ask a worker. */
import type { Clock } from '../../../clock.ts';
import { assertNever, toGlimpseError } from '../../../errors.ts';
import type { Generator } from '../../generator.ts';
import type { BusMessage } from '../bus.ts';
import type { Leases } from '../choice/leases.ts';
import type { Description } from '../wire/description.ts';
import { decodeMessage, encodeMessage } from '../wire/envelope.ts';
import { bytesOf } from '../wire/floats.ts';
import { askSchema, type Ask } from '../wire/messages.ts';

const LEASES_SHOWN = 200;

export interface AnswersOptions {
  generator: Generator;
  pack: string;
  leases: Leases;
  clock: Clock;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #onDrain: () => void;

  constructor(options: AnswersOptions, onDrain: () => void) {
    this.#options = options;
    this.#onDrain = onDrain;
  }

  /** Never rejects. */
  async answer({ data, respond }: BusMessage): Promise<void> {
    try {
      respond(await this.#to(decodeMessage(data, askSchema).header));
    } catch (error) {
      respond(encodeMessage({ type: 'failed', code: toGlimpseError(error).code }));
    }
  }

  async #to(ask: Ask): Promise<Uint8Array> {
    const { generator, pack, leases, clock } = this.#options;
    switch (ask.type) {
      case 'describe': {
        const embeds = generator.embed !== undefined;
        return encodeMessage({ type: 'description', pack, info: generator.info, embeds } satisfies Described);
      }
      case 'read':
        return encodeMessage({ type: 'reading', ...(await generator.read(ask.prompt)) });
      case 'embed': {
        const floats = (await generator.embed?.(ask.prompt)) ?? new Float32Array();
        return encodeMessage({ type: 'embedding', floats: floats.length }, [bytesOf(floats)]);
      }
      case 'leases': {
        const nowUs = clock.nowUs();
        const shown = leases.newest(LEASES_SHOWN);
        return encodeMessage({
          type: 'leases',
          leases: shown.map(({ stream, gateway, grantedUs }) => ({
            stream,
            gateway,
            ageMs: (nowUs - grantedUs) / 1_000,
          })),
        });
      }
      case 'drain':
        this.#onDrain();
        return encodeMessage({ type: 'done' });
      default:
        return assertNever(ask);
    }
  }
}

type Described = Omit<Description, 'info'> & { info: Generator['info'] };
