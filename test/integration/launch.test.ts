/** `glimpse serve` as a shell, a service manager or a container starts it: one process, with the settings in force. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Served } from '../../bench/load/served.ts';
import { MALLOC_SETTINGS } from '../../src/launch/memory-settings.ts';

/** How a running process was started. */
const wordsOf = (pid: number, what: 'environ' | 'cmdline'): string[] =>
  readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0');

describe.skipIf(process.platform !== 'linux')('the service', () => {
  it('has the settings that keep its memory flat, in the process that was started', async () => {
    const served = await Served.start(['--generator', 'pattern']);
    const environment = wordsOf(served.pid, 'environ');
    for (const [name, value] of Object.entries(MALLOC_SETTINGS)) expect(environment).toContain(`${name}=${value}`);
    expect(wordsOf(served.pid, 'cmdline')).toContain('--max-semi-space-size=8');
    const { process_resident_memory_bytes: resident } = await served.scrape();
    expect(resident).toBeGreaterThan(0);
    // Signals and the exit code are those of the process that was started.
    expect(await served.stop()).toBe(0);
    expect(served.complaints).toEqual([]);
  });

  it('says what is wrong with its settings, and fails', async () => {
    await expect(Served.start(['--generator', 'no-such-thing'])).rejects.toThrow(/ended with 1: .*CONFIG_INVALID/s);
  });
});
