/**
 * All randomness of generation, from a 32-bit seed: the same seed gives the same numbers on every machine, because the
 * generator is integer arithmetic and V8's `Math.log/sin/cos` are one portable implementation (fdlibm). Pure.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), 128-bit state, passes BigCrush; seeded through the murmur3
 * finaliser so that neighbouring seeds share nothing. Gaussian: Box and Muller (1958).
 */

/** A stream of random numbers; every call advances it. */
export interface Random {
  /** 32 random bits, unsigned. */
  bits(): number;
  /** Uniform on [0, 1), a multiple of 2^-24, so that it stays below 1 as a float32. */
  uniform(): number;
}

/** Streams of one seed that must not share numbers. */
const STREAM = { latent: 1, particles: 2, grain: 3, openFields: 4 } as const;

const WARM_UP_ROUNDS = 12;

/** `keys` (32-bit integers) name the stream: different keys, unrelated streams. */
export function createRandom(...keys: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const key of keys) state = mix((state ^ key) + 0x9e3779b9);
  let a = mix(state + 1);
  let b = mix(state + 2);
  let c = mix(state + 3);
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round++) bits();
  return { bits, uniform: () => (bits() >>> 8) / 0x1000000 };
}

/** Standard normal numbers. */
export function gaussian(random: Random, length: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  for (let index = 0; index < length; index += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    values[index] = radius * Math.cos(angle);
    if (index + 1 < length) values[index + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** Initial noise of a slice. Depends on seed and slice alone, so any slice can be made again by itself. */
export const latentNoise = (seed: number, slice: number, length: number): Float32Array<ArrayBuffer> =>
  gaussian(createRandom(seed, STREAM.latent, slice), length);

/** Positions of rain, snow and stars, uniform on [0, 1). One set per seed, so weather continues across slices. */
export function particleNoise(seed: number, length: number): Float32Array<ArrayBuffer> {
  const random = createRandom(seed, STREAM.particles);
  return Float32Array.from({ length }, () => random.uniform());
}

/** Fine texture, standard normal; one picture per seed. */
export const grainNoise = (seed: number, length: number): Float32Array<ArrayBuffer> =>
  gaussian(createRandom(seed, STREAM.grain), length);

/** Decides the fields that a prompt leaves open; one stream per seed. */
export const openFieldsRandom = (seed: number): Random => createRandom(seed, STREAM.openFields);

/** murmur3's 32-bit finaliser: every input bit flips half of the output bits. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
