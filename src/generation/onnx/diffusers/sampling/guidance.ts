/** Two ways to apply guidance to an image model: two predictions, or a number it was distilled with. Pure. */

/** Classifier-free guidance (Ho and Salimans, 2022), with the weight as practice counts it: 1 is the prompt alone. */
export function guided(unconditional: Float32Array, conditional: Float32Array, guidance: number): Float32Array {
  const result = new Float32Array(conditional.length);
  for (let at = 0; at < result.length; at++) {
    const without = unconditional[at]!;
    result[at] = without + guidance * (conditional[at]! - without);
  }
  return result;
}

/**
 * The guidance weight as a sinusoidal embedding, for models that were distilled with it as an input (Luo et al., 2023,
 * section 4.2): sines, then cosines of `1000 * (guidance - 1)` at falling frequencies.
 * @param width even
 */
export function guidanceEmbedding(guidance: number, width: number): Float32Array<ArrayBuffer> {
  const half = Math.floor(width / 2);
  const embedding = new Float32Array(width);
  for (let index = 0; index < half; index++) {
    const angle = 1000 * (guidance - 1) * Math.exp((-Math.log(10_000) * index) / Math.max(1, half - 1));
    embedding[index] = Math.sin(angle);
    embedding[half + index] = Math.cos(angle);
  }
  return embedding;
}
