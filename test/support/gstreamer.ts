/** GStreamer's webrtcbin as a WHEP viewer, in a process of its own, and what it says. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const VIEWER = join(import.meta.dirname, 'gstreamer-viewer.py');
/** Debian's own: another one on the PATH does not have its bindings. */
const PYTHON = '/usr/bin/python3';
const NEEDS = 'import gi; gi.require_version("GstWebRTC", "1.0"); from gi.repository import GstWebRTC';

export const hasGstreamer = spawnSync(PYTHON, ['-c', NEEDS]).status === 0;

export class GstreamerViewer implements AsyncDisposable {
  /** `buffers N` each second, `state S`, `location L`, `bye SSRC`. */
  readonly lines: string[] = [];
  readonly #child: ReturnType<typeof spawn>;

  constructor(whepUrl: string) {
    this.#child = spawn(PYTHON, [VIEWER, whepUrl], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (this.#child.stdout) createInterface(this.#child.stdout).on('line', (line) => this.lines.push(line));
  }

  /** Buffers received, by the seconds. */
  get buffers(): number[] {
    return this.#values('buffers').map(Number);
  }

  get states(): string[] {
    return this.#values('state');
  }

  /** Streams that have said BYE, by SSRC. */
  get byes(): string[] {
    return this.#values('bye');
  }

  /** The session's address, relative to the one asked; undefined before it is made. */
  get location(): string | undefined {
    return this.#values('location')[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #values(name: string): string[] {
    return this.lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  }
}
