/**
 * One ComfyUI server of the pool and its state: health, queue length, memory. Its prompts ask for less when memory is
 * short: from 90% on models load one after another, and after it ran out of memory pictures are smaller.
 */
import { nextPressure, type Pressure } from '../../engine/memory-pressure.ts';
import type { ComfyClient } from './client.ts';
import type { MemoryMode } from '../workflows/workflow.ts';

export class ComfyServer {
  readonly client: ComfyClient;
  /** Our prompts there. */
  running = 0;
  /** Other clients' prompts there, at the last check. */
  #others = 0;
  #healthy = true;
  #pressure: Pressure = 'normal';
  #memoryRatio = 0;
  #ranOut = false;

  constructor(client: ComfyClient) {
    this.client = client;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** Prompts ahead of a new one. */
  get load(): number {
    return this.running + this.#others;
  }

  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Memory use of the fullest device, 0 to 1. */
  get memoryRatio(): number {
    return this.#memoryRatio;
  }

  get memoryMode(): MemoryMode {
    if (this.#ranOut) return 'smaller';
    return this.#pressure === 'low-memory' ? 'low-vram' : 'none';
  }

  /** It did not answer, or not like ComfyUI. */
  failed(): void {
    this.#healthy = false;
  }

  /** A node ran out of memory; false when nothing is left to reduce. Lasts until the service restarts. */
  ranOutOfMemory(): boolean {
    if (this.#ranOut) return false;
    this.#ranOut = true;
    return true;
  }

  /** Asks the server for its state. Never rejects. @returns whether its memory pressure has changed */
  async check(): Promise<boolean> {
    try {
      const [{ devices }, length] = await Promise.all([this.client.systemStats(), this.client.queueLength()]);
      this.#healthy = true;
      this.#others = Math.max(0, length - this.running);
      const ratios = devices
        .filter(({ vram_total }) => vram_total > 0)
        .map(({ vram_free, vram_total }) => 1 - vram_free / vram_total);
      return await this.#filled(Math.max(0, ...ratios));
    } catch {
      this.#healthy = false;
      return false;
    }
  }

  async #filled(ratio: number): Promise<boolean> {
    this.#memoryRatio = ratio;
    const pressure = nextPressure(this.#pressure, ratio);
    if (pressure === this.#pressure) return false;
    this.#pressure = pressure;
    // First unload models that an earlier workflow left there; the server does it between two prompts.
    if (pressure === 'low-memory') await this.client.free();
    return true;
  }
}
