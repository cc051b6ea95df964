/** What stands in deploy/, as far as it can be held to the truth without a container engine. */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findTool } from '../../scripts/tool-path.ts';
import { dashboard, metricNames } from '../../scripts/write-dashboard.ts';
import { configOptions } from '../../src/config/config.ts';
import { Metrics } from '../../src/metrics/metrics.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const deploy = (path: string) => join(ROOT, 'deploy', path);
const read = (path: string) => readFile(deploy(path), 'utf8');

/** Exported names, with the suffixes that Prometheus gives histograms. */
async function exported(): Promise<Set<string>> {
  const names = new Metrics()
    .list()
    .flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]));
  return new Set(names);
}

describe('what is watched', () => {
  it.each(['grafana/dashboard.json', 'prometheus/rules.yml', 'prometheus/rules.test.yml'])(
    '%s asks only for metrics that exist',
    async (file) => {
      const known = await exported();
      const asked = metricNames(await read(file));
      expect(asked.filter((name) => !known.has(name))).toEqual([]);
      expect(asked.length).toBeGreaterThan(5);
    },
  );
});

describe('the dashboard', () => {
  it('is what scripts/write-dashboard.ts writes', async () => {
    expect(JSON.parse(await read('grafana/dashboard.json'))).toEqual(JSON.parse(dashboard()));
  });
});

describe.skipIf(findTool('promtool') === undefined)('the alert rules', () => {
  it('fire when they should and keep quiet when they should', async () => {
    const { stdout } = await run('promtool', ['test', 'rules', 'rules.test.yml'], { cwd: deploy('prometheus') });
    expect(stdout).toContain('SUCCESS');
  });
});

describe('settings in deployment files', () => {
  it.each([
    'Dockerfile',
    'compose.yaml',
    'compose.cluster.yaml',
    'kubernetes/gateway.yaml',
    'kubernetes/worker.yaml',
    'systemd/glimpse.service',
  ])('%s names only settings that exist', async (file) => {
    const known = configOptions().map(({ environment }) => environment);
    const named = (await read(file)).match(/GLIMPSE_[A-Z_]+/g) ?? [];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});

/** The stages of the Dockerfile, done by hand in two empty folders. */
describe('the image', () => {
  let folder: string;
  let stages: string[][];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glimpse-image-'));
    const lines = (await read('Dockerfile')).split('\n');
    const starts = lines.flatMap((line, index) => (line.startsWith('FROM ') ? [index] : []));
    stages = starts.map((start, index) => lines.slice(start, starts[index + 1]));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const copied = (stage: readonly string[] = []) =>
    stages.length === 0
      ? []
      : stage
          .flatMap((line) => {
            const match = /^COPY (?:--from=build )?(.+) (\S+)$/.exec(line);
            return match ? [(match[1] ?? '').split(' ').map((path) => path.replace('/app/', ''))] : [];
          })
          .flat();

  async function fill(name: string, from: string, stage: readonly string[] | undefined): Promise<string> {
    const into = join(folder, name);
    for (const path of copied(stage)) {
      if (path === 'node_modules') continue;
      await cp(join(from, path), join(into, path), {
        recursive: true,
        filter: (source) => !source.includes('/dist/') || from !== ROOT,
      });
    }
    await symlink(join(ROOT, 'node_modules'), join(into, 'node_modules'));
    return into;
  }

  it('holds all that the build needs, and all that serving needs; it becomes healthy, and ends by SIGTERM', async () => {
    const build = await fill('build', ROOT, stages[0]);
    await run('npm', ['run', 'build'], { cwd: build });
    const image = await fill('image', build, stages[1]);
    const probe = JSON.parse(/CMD (\["node", "-e".+\])$/m.exec(stages[1]?.join('\n') ?? '')?.[1] ?? '[]') as string[];
    const port = await freePort();
    const entry = ['dist/src/cli.js', 'serve', '--port', String(port)];
    const service = spawn(process.execPath, entry, { cwd: image, stdio: 'ignore' });
    onTestFinished(() => void service.kill('SIGKILL'));
    const exited = new Promise<number | null>((done) => service.once('exit', done));
    const script = (probe[2] ?? '').replace('8080', String(port));
    const healthy = () =>
      run(process.execPath, ['-e', script]).then(
        () => true,
        () => false,
      );
    while (!(await healthy())) if (service.exitCode !== null) break;
    expect(await healthy()).toBe(true);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    service.kill('SIGTERM');
    expect(await exited).toBe(0);
  });
});

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

const analyze = findTool('systemd-analyze');
describe.skipIf(analyze === undefined)('the systemd unit', () => {
  it('has no setting that systemd does not know', async () => {
    const { stderr } = await run(analyze ?? '', ['verify', deploy('systemd/glimpse.service')]).catch(
      (failed: { stderr: string }) => failed,
    );
    const complaints = stderr.split('\n').filter((line) => line.includes('glimpse.service'));
    // The program is not installed where the unit expects it; everything else must be known.
    expect(complaints.filter((line) => !/is not executable|Failed to find|No such file/.test(line))).toEqual([]);
  });
});
