/** A parser to throw bytes at: it may refuse with a code, never else. */
import { GlimpseError } from '../../src/errors.ts';

export interface FuzzTarget {
  name: string;
  /** Good inputs that mutations begin from. */
  seeds: readonly Buffer[];
  /** Each input costs a process. */
  costly?: true;
  /** How many the short form tries, where each takes a round trip; default 4,000. */
  shortInputs?: number;
  /** What an input of at most 64 KiB may take, ms; default 50. */
  costMaxMs?: number;
  /** Throws, or rejects, only for a failure that is no refusal. */
  run(input: Buffer): void | Promise<void>;
  /** Ends what inputs have left. */
  close?(): void | Promise<void>;
}

export const texts = (...seeds: string[]): Buffer[] => seeds.map((seed) => Buffer.from(seed));

/** A refusal with a code is what should happen. */
export function refusing(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof GlimpseError) || error.code === 'INTERNAL') throw error;
  }
}
