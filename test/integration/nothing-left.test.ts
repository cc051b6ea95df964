/** The check at the end of a run finds what a test has left, and names it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import setup from '../support/nothing-left.ts';

const FOLDER = resolve(import.meta.dirname, '../../left-by-a-test');

describe('a run that leaves', () => {
  let outer: NodeJS.ProcessEnv;
  let finish: () => Promise<void>;
  beforeEach(() => {
    outer = { ...process.env };
    finish = setup({ config: { watch: false } }, 0)!;
  });
  // The run that this test is part of has its own.
  afterEach(() => void Object.assign(process.env, outer));

  it('an empty folder in the checkout fails', async () => {
    mkdirSync(FOLDER);
    try {
      await expect(finish()).rejects.toThrow('in the checkout: left-by-a-test');
    } finally {
      rmSync(FOLDER, { recursive: true });
    }
  });

  it('a temporary file fails, and it is removed', async () => {
    const file = join(tmpdir(), 'left');
    writeFileSync(file, '');
    await expect(finish()).rejects.toThrow('in the temporary folder: left');
    expect(() => writeFileSync(file, '')).toThrow('ENOENT');
  });

  it.runIf(process.platform === 'linux')('a process fails', async () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1e6); console.log()']);
    const gone = once(child, 'exit');
    await once(child.stdout, 'data');
    await expect(finish()).rejects.toThrow(`running: ${child.pid} `);
    child.kill();
    await gone;
  });
});
