/** What a newcomer reads when their Node or their installation cannot run Glimpse. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeComplaint, packagesComplaint } from '../../bin/requirements.js';
import packageJson from '../../package.json' with { type: 'json' };

describe('the Node it needs', () => {
  it.each(['22.15.0', '22.23.5', '24.0.0', '26.1.0'])('%s runs the package', (version) => {
    expect(nodeComplaint(version, false)).toBeUndefined();
  });

  it.each(['20.20.2', '22.14.9', '18.0.0'])('%s is told what the package needs', (version) => {
    expect(nodeComplaint(version, false)).toMatch(`needs Node 22.15 or newer, and this is Node ${version}.`);
  });

  it.each(['20.20.2', '22.23.5'])('%s is told how a clone is started', (version) => {
    expect(nodeComplaint(version, true)).toMatch(/needs Node 24\.0 .*npm start/);
  });

  it('is what package.json says', () => {
    const minimum = packageJson.engines.node.replace('>=', '');
    expect(nodeComplaint(`${minimum}.0`, false)).toBeUndefined();
    const [major = 0, minor = 0] = minimum.split('.').map(Number);
    expect(nodeComplaint(`${major}.${minor - 1}.9`, false)).toContain(`needs Node ${minimum}`);
  });
});

describe('the packages it needs', () => {
  it('are all there', () => expect(packagesComplaint()).toBeUndefined());

  it('are named when they are not, with the cure', () => {
    expect(packagesComplaint(['werift', 'no-a', 'no-b', 'no-c', 'no-d'])).toMatch(
      /^node_modules is missing or incomplete \(not found: no-a, no-b, no-c and 1 more\)\. Run "npm ci"/,
    );
  });
});

describe('the glimpse command in a half-installed package', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'glimpse-half-'));
    cpSync(join(import.meta.dirname, '../../bin'), join(folder, 'bin'), { recursive: true });
    mkdirSync(join(folder, 'dist/src'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const glimpse = (dependencies: Record<string, string>) => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies }));
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin/glimpse.js')], { encoding: 'utf8' });
    return { status, stderr };
  };

  it('names a package that is missing', () => {
    expect(glimpse({ 'no-such-package': '1' })).toEqual({
      status: 1,
      stderr: 'node_modules is missing or incomplete (not found: no-such-package). Install glimpse again.\n',
    });
  });

  it('names a package of a package that is missing', () => {
    writeFileSync(join(folder, 'dist/src/cli.js'), "import 'no-such-package';");
    const { status, stderr } = glimpse({});
    expect(status).toBe(1);
    expect(stderr).toMatch(/^node_modules is incomplete: Cannot find package 'no-such-package'.+Install again.+\n$/);
  });
});
