/**
 * What `npm ci` needs on every machine: a lockfile without a version or a hash fails there with `Invalid Version:`, or
 * installs without the native part, although it works where it was written.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Entry {
  version?: string;
  integrity?: string;
  /** To a folder of this repository. */
  link?: boolean;
  /** Comes inside another package, under its hash. */
  inBundle?: boolean;
  optionalDependencies?: Record<string, string>;
}

const lockfile = resolve(import.meta.dirname, '../../package-lock.json');
const { packages } = JSON.parse(readFileSync(lockfile, 'utf8')) as { packages: Record<string, Entry> };
const entries = Object.entries(packages);

/** From a registry, as opposed to a folder of this repository: the root and its workspaces. */
const isInstalled = (path: string, { link = false }: Entry): boolean => path.includes('node_modules/') && !link;

/** Where Node would look for a dependency of the package at `path`, nearest first. */
function* lookups(path: string, name: string): Generator<string> {
  yield path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`;
  if (path === '') return;
  const above = path.lastIndexOf('/node_modules/');
  yield* lookups(above < 0 ? '' : path.slice(0, above), name);
}

describe('the lockfile', () => {
  it('names a version and a hash for every package', () => {
    expect(entries.length).toBeGreaterThan(100);
    const incomplete = entries
      .filter(([path, entry]) => isInstalled(path, entry))
      .filter(([, { version, integrity, inBundle }]) => !version || !(integrity || inBundle))
      .map(([path]) => path);
    expect(incomplete).toEqual([]);
  });

  it('has the optional parts of every platform, not only of the one it was written on', () => {
    const wanted = entries.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map((name) => ({ path, name })),
    );
    expect(wanted.length).toBeGreaterThan(50);
    const missing = wanted
      .filter(({ path, name }) => ![...lookups(path, name)].some((place) => packages[place]?.version !== undefined))
      .map(({ path, name }) => `${name} of ${path}`);
    expect(missing).toEqual([]);
  });
});
