/**
 * Time that passes only as a test lets it: timers and the monotonic clock stand still in between. What takes real time,
 * an encoder's thread for example, is waited for at each step, so that nothing is late because the machine is busy.
 */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { vi } from 'vitest';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';

const STEP_MS = 5;
/** Promise chains between two timers are a few turns long. */
const TURNS = 4;
/** Virtual; ends a test that waits in vain. */
const GIVE_UP_MS = 600_000;

export class FakeTime implements Disposable {
  /** Real work under way. */
  #busy = new Set<Promise<unknown>>();

  /** From here on, until it is disposed of. */
  constructor() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  }

  /** The factory itself, with time standing still while one of its encoders works. */
  awaiting(create: EncoderFactory): EncoderFactory {
    return async (settings) => {
      const encoder = await this.during(create(settings));
      const encode = encoder.encode.bind(encoder);
      encoder.encode = (...frame) => this.during(encode(...frame));
      return encoder;
    };
  }

  /** Time stands still until `work` has ended. */
  during<Value>(work: Promise<Value>): Promise<Value> {
    this.#busy.add(work);
    void work.catch(() => {}).finally(() => this.#busy.delete(work));
    return work;
  }

  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      await vi.advanceTimersByTimeAsync(Math.min(STEP_MS, ms - passedMs));
      await this.#settled();
    }
  }

  /** As much time as it takes. */
  async until(condition: () => boolean): Promise<void> {
    await this.#settled();
    for (let passedMs = 0; !condition(); passedMs += STEP_MS) {
      if (passedMs > GIVE_UP_MS) throw new Error(`in vain: ${String(condition)}`);
      await this.pass(STEP_MS);
    }
  }

  [Symbol.dispose](): void {
    vi.useRealTimers();
  }

  async #settled(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      await Promise.allSettled(this.#busy);
      await turnOfLoop();
    }
  }
}
