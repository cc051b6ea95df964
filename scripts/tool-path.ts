/** Where programs are that some tests drive; without them those tests are skipped and say so. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export interface TestTool {
  /** A name on the PATH; or the full path of a file, for what is no program. */
  program: string;
  /** One or more, with spaces between. */
  debianPackage: string;
  /** What needs it, for people. */
  tests: string;
}

export const TOOLS: readonly TestTool[] = [
  { program: 'turnserver', debianPackage: 'coturn', tests: 'the tests through a TURN server' },
  { program: 'firefox-esr', debianPackage: 'firefox-esr', tests: 'the tests in Firefox' },
  { program: 'nginx', debianPackage: 'nginx-light', tests: 'the tests below a path behind a proxy' },
  {
    program: 'gst-launch-1.0',
    debianPackage:
      'gstreamer1.0-tools gstreamer1.0-nice gstreamer1.0-plugins-good gstreamer1.0-plugins-bad ' +
      'gir1.2-gst-plugins-bad-1.0 python3-gst-1.0',
    tests: 'the tests with GStreamer',
  },
  {
    program: '/usr/lib/python3/dist-packages/aiortc/__init__.py',
    debianPackage: 'python3-aiortc',
    tests: 'the tests with aiortc',
  },
  { program: 'nats-server', debianPackage: 'nats-server', tests: 'the tests of a cluster' },
  { program: 'promtool', debianPackage: 'prometheus', tests: 'the tests of the alert rules' },
];

/** Full path of a program on the PATH, or of a file; undefined when there is none. */
export function findTool(program: string): string | undefined {
  if (isAbsolute(program)) return existsSync(program) ? program : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
