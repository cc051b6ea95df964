/** The short form of `npm run fuzz`: what once crashed a parser, and some thousand inputs of a fixed seed for each. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuMs } from '../support/cpu-cost.ts';
import { Mutator } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import { fuzzTargets } from './targets.ts';

const CORPUS = join(import.meta.dirname, 'corpus');
const INPUTS = 4_000;
const COSTLY_INPUTS = 24;
const targets = await fuzzTargets();
const crashers = readdirSync(CORPUS).filter((name) => name.endsWith('.bin'));

/** Neither crashes nor costs more than the target allows. */
async function stands(target: FuzzTarget, input: Buffer): Promise<void> {
  await target.run(input);
  const { costMaxMs } = target;
  if (costMaxMs !== undefined) expect(await cpuMs(() => target.run(input))).toBeLessThan(costMaxMs);
}

describe.each(targets.map((target) => [target.name, target] as const))('%s', (name, target) => {
  afterAll(() => target.close?.());

  it('takes its good inputs, and refuses bad ones with a code', async () => {
    for (const seed of target.seeds) await target.run(seed);
    const mutator = new Mutator(target.seeds, 1);
    const inputs = target.costly === true ? COSTLY_INPUTS : (target.shortInputs ?? INPUTS);
    for (let input = 0; input < inputs; input++) await target.run(mutator.next());
  });

  it('stands what has crashed it before', async () => {
    for (const file of crashers.filter((crasher) => crasher.startsWith(`${name}.`)))
      await stands(target, readFileSync(join(CORPUS, file)));
  });
});

it('has no crasher of a parser that is not there', () => {
  const names = new Set(targets.map(({ name }) => name));
  expect(crashers.filter((file) => !names.has(file.split('.')[0] ?? ''))).toEqual([]);
});
