import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MALLOC_SETTINGS, withMemorySettings } from '../../../src/launch/memory-settings.ts';

describe('the settings that keep memory flat', () => {
  it('are added to how the process was started', () => {
    expect(withMemorySettings({ nodeFlags: ['--enable-source-maps'], environment: { HOME: '/h' } })).toEqual({
      nodeFlags: ['--enable-source-maps', '--max-semi-space-size=8'],
      environment: { HOME: '/h', ...MALLOC_SETTINGS },
    });
  });

  it('need no second start', () => {
    const first = withMemorySettings({ nodeFlags: [], environment: {} });
    expect(first && withMemorySettings(first)).toBeUndefined();
  });

  it('leave what the user has set', () => {
    const environment = { MALLOC_ARENA_MAX: '8', NODE_OPTIONS: '--max_semi_space_size=64' };
    expect(withMemorySettings({ nodeFlags: [], environment })).toEqual({
      nodeFlags: [],
      environment: { ...MALLOC_SETTINGS, ...environment },
    });
    expect(withMemorySettings({ nodeFlags: ['--max-semi-space-size=1'], environment })?.nodeFlags).toEqual([
      '--max-semi-space-size=1',
    ]);
  });

  it('are those of docs/memory.md, and the deployment leaves them to the program', () => {
    const read = (path: string): string => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8');
    const page = read('docs/memory.md');
    for (const [name, value] of Object.entries(MALLOC_SETTINGS)) expect(page).toContain(`| \`${name}=${value}\` |`);
    for (const flag of withMemorySettings({ nodeFlags: [], environment: {} })?.nodeFlags ?? [])
      expect(page).toContain(`| \`node ${flag}\` |`);
    for (const path of ['deploy/Dockerfile', 'deploy/systemd/glimpse.service'])
      expect(read(path)).not.toMatch(/MALLOC_|semi-space/);
  });
});
