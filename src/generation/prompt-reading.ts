/** What a generator understood of a list of prompts: the fields of the first, the unknown words of all. */
import type { Generator, PromptReading } from './generator.ts';

export async function readPrompts(generator: Generator, prompts: readonly string[]): Promise<PromptReading> {
  const readings = await Promise.all(prompts.map((prompt) => generator.read(prompt)));
  const unknownWords = new Set(readings.flatMap((reading) => reading.unknownWords));
  return { fields: readings[0]?.fields ?? {}, unknownWords: [...unknownWords] };
}
