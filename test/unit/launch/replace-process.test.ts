import { describe, expect, it } from 'vitest';
import { replaceProcess, type Replaceable } from '../../../src/launch/replace-process.ts';

/** How a process with these arguments would be replaced. */
function replaced(given: Partial<Replaceable> = {}): unknown[] {
  const calls: unknown[] = [];
  const execve = (...call: unknown[]): void => void calls.push(call);
  const argv = [process.execPath, '/app/cli.js', 'serve', '--port', '0'];
  replaceProcess({ execPath: process.execPath, execArgv: [], argv, env: { HOME: '/h' }, execve, ...given });
  return calls;
}

describe('a process that is to live long', () => {
  it('begins again with its own arguments and the settings', () => {
    const [call] = replaced({ execArgv: ['--trace-warnings'] });
    expect(call).toEqual([
      process.execPath,
      [process.execPath, '--trace-warnings', '--max-semi-space-size=8', '/app/cli.js', 'serve', '--port', '0'],
      expect.objectContaining({ HOME: '/h', MALLOC_ARENA_MAX: '2' }),
    ]);
  });

  it('goes on as it is where it cannot be replaced', () => {
    const refused = (): never => {
      throw new Error('EPERM');
    };
    expect(() => replaced({ execve: refused })).not.toThrow();
    expect(replaced({ execPath: '/nowhere/node' })).toEqual([]);
    expect(replaced({ execve: undefined })).toEqual([]);
  });

  it('goes on as it is when a parent talks to it', () => {
    expect(replaced({ channel: {} })).toEqual([]);
  });
});

describe('a command that ends by itself', () => {
  it.each([['doctor'], ['generate'], ['--help'], []])('%s is not begun twice', (...words) => {
    expect(replaced({ argv: [process.execPath, '/app/cli.js', ...words] })).toEqual([]);
  });
});
