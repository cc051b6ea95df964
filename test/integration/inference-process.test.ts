/** A native call that hangs, and the ends of the inference process: with the service, and not before it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { OnnxRuntime } from '../../src/generation/onnx/runtime/runtime.ts';
import { float32 } from '../../src/generation/onnx/process/tensor.ts';
import { ENDS, HANGS, hangingPart } from '../support/hanging-part.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-hanging-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a native call that hangs', () => {
  it('ends with its process, is repeated once, and what comes after it runs in another', async () => {
    using processes = new InferenceProcesses();
    await using runtime = new OnnxRuntime({ parts: [hangingPart(folder)], threads: 1 });
    // A part must have run before anybody can say what is long for it.
    await runtime.run('hanging', ENDS);
    const hung = runtime.run('hanging', HANGS);
    const behind = runtime.run('hanging', ENDS);
    await expect(hung).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    expect((await behind).outputs['result']?.data).toEqual(new Float32Array([8]));
    expect(processes.all.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL', null]);
    expect(runtime.restarts).toBe(2);
  });
});

describe('a batch of runs that cannot be joined', () => {
  it('has the outputs of each, as if they had run alone', async () => {
    await using runtime = new OnnxRuntime({ parts: [hangingPart(folder)], threads: 1 });
    const runs = [1, 2, 3].map((value) => ({ part: 'hanging', feeds: { ...ENDS, value: float32([value], 1) } }));
    const results = await Promise.all(runtime.begin(runs).results);
    expect(results.map(({ outputs }) => outputs['result']?.data[0])).toEqual([8, 16, 24]);
  });
});

describe('the inference process', () => {
  /** A service of its own group, and the id of its inference process. */
  async function service(
    what: 'hangs' | 'idles',
  ): Promise<{ child: ChildProcess; lines: AsyncIterator<string>; pid: number }> {
    const script = join(import.meta.dirname, '../support/hanging-service.ts');
    const child = spawn(process.execPath, [script, folder, what], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines, pid: Number((await lines.next()).value) };
  }
  const isThere = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it.each(['hangs', 'idles'] as const)('ends when the service is killed, even if it %s', async (what) => {
    const { child, pid } = await service(what);
    expect(isThere(pid)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => isThere(pid)).toBe(false);
  });

  it('outlives a Ctrl-C, so that the service can drain', async () => {
    const { child, lines, pid } = await service('idles');
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect((await lines.next()).value).toBe('8 0');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
    expect(isThere(pid)).toBe(false);
  });
});
