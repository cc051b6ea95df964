/** What a generator understood of a list of prompts. */
import type { Generator, PromptReading } from '../generator.ts';

/** Of each prompt, in the order of the list. */
export const readPrompts = (generator: Generator, prompts: readonly string[]): Promise<PromptReading[]> =>
  Promise.all(prompts.map((prompt) => generator.read(prompt)));

/** A summary of the list: the fields of the first, the unknown words of all. */
export function sumUp(readings: readonly PromptReading[]): PromptReading {
  const unknownWords = new Set(readings.flatMap((reading) => reading.unknownWords));
  return { fields: readings[0]?.fields ?? {}, unknownWords: [...unknownWords] };
}
