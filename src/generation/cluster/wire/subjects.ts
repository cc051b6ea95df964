/**
 * NATS subjects. Each node listens on one subject of its own, so the order of its messages is kept. Beats of workers go
 * to one of 64 partitions by the worker's name: a gateway of a large cluster listens to some of them alone.
 */
import { GlimpseError } from '../../../errors.ts';
import { fnv1a } from '../choice/hash.ts';

export const PARTITIONS = 64;

const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws GlimpseError CONFIG_INVALID for a name that cannot be part of a subject */
export function checkedName(name: string, option: string): string {
  if (TOKEN.test(name)) return name;
  throw new GlimpseError('CONFIG_INVALID', {
    message: `${option} may have letters, digits, - and _, 64 at most: ${JSON.stringify(name)}`,
  });
}

export class Subjects {
  readonly #root: string;

  /** @param cluster name of the cluster: several may share one NATS */
  constructor(cluster: string) {
    this.#root = `glimpse.${checkedName(cluster, '--cluster-name')}`;
  }

  beat(node: string): string {
    return `${this.#root}.beat.${fnv1a(node) % PARTITIONS}.${node}`;
  }

  get allBeats(): string {
    return `${this.#root}.beat.*.*`;
  }

  beatsOf(partition: number): string {
    return `${this.#root}.beat.${partition}.*`;
  }

  /** Jobs and what belongs to them, in order. */
  worker(node: string): string {
    return `${this.#root}.worker.${node}`;
  }

  /** Questions with one answer. */
  ask(node: string): string {
    return `${this.#root}.ask.${node}`;
  }

  /** What a worker sends back for one job. */
  answers(gateway: string, job: string): string {
    return `${this.#root}.gateway.${gateway}.${job}`;
  }

  /** Asks all workers for a beat at once. */
  get roll(): string {
    return `${this.#root}.roll`;
  }
}
