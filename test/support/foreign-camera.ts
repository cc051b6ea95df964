/** WHIP publishers that no one here wrote, each in a process of its own, and what they say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Debian's own: another one on the PATH does not have the packages. */
const PYTHON = '/usr/bin/python3';

export class ForeignCamera implements AsyncDisposable {
  /** `answered 201`, `deleted 200`. */
  readonly lines: string[] = [];
  readonly #child;

  /** @param script beside this file; its arguments follow */
  constructor(script: 'aiortc-camera.py' | 'gstreamer-camera.py', ...args: readonly string[]) {
    this.#child = spawn(PYTHON, [join(import.meta.dirname, script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(this.#child.stdout).on('line', (line) => this.lines.push(line));
  }

  /** Asks it to leave, and waits until it has. Only aiortc's does. */
  async leave(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
