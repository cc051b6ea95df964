/**
 * What the service knows of the parts' memory: states and sizes as the inference process reports them, and the
 * budget. The rules are in part-memory.ts. A state counts from the moment its move is requested: the process works in
 * order, so later requests find it done.
 */
import { movesFor, movesForAll, movesToRest, type Move, type PartInfo } from './part-memory.ts';
import type { MovedPart, WorkerPart } from '../process/worker-protocol.ts';

export interface ResidenceOptions {
  parts: readonly WorkerPart[];
  /** For all parts together; Infinity without a budget. */
  budgetBytes: number;
}

export class PartResidence {
  readonly budgetBytes: number;
  readonly #parts: PartInfo[];
  lowMemory = false;

  constructor({ parts, budgetBytes }: ResidenceOptions) {
    this.budgetBytes = budgetBytes;
    this.#parts = parts.map(({ name, residentBytes = 0 }) => ({
      name,
      state: 'cold',
      bytes: 0,
      residentBytes,
      weightBytes: residentBytes,
      lastUsedUs: 0,
      uses: 0,
    }));
  }

  get parts(): readonly PartInfo[] {
    return this.#parts;
  }

  /** @throws GlimpseError MEMORY_BUDGET when some part does not fit even alone. */
  check(): void {
    for (const { name } of this.#parts) movesFor(name, this.#parts, this.budgetBytes);
  }

  /** The moves so that `part` can run. @throws GlimpseError MEMORY_BUDGET */
  movesFor(part: string): Move[] {
    return movesFor(part, this.#parts, this.budgetBytes, this.lowMemory);
  }

  /** The moves so that a slice finds all parts loaded, as far as they fit. */
  movesForAll(): Move[] {
    const names = this.#parts.map(({ name }) => name);
    return this.lowMemory ? [] : movesForAll(names, this.#parts, this.budgetBytes);
  }

  movesToRest(to: 'half-loaded' | 'cold'): Move[] {
    return movesToRest(this.#parts, to);
  }

  onAsked({ part, to }: Move): void {
    const info = this.#find(part);
    if (!info) return;
    info.state = to;
    info.bytes = to === 'cold' ? 0 : info.residentBytes;
  }

  onMoved({ part, state, bytes }: MovedPart): void {
    const info = this.#find(part);
    if (!info) return;
    info.state = state;
    info.bytes = bytes;
    if (state === 'resident') info.residentBytes = bytes;
  }

  onFailed(part: string): void {
    this.onAsked({ part, to: 'cold' });
  }

  onRun(part: string, nowUs: number): void {
    const info = this.#find(part);
    if (!info) return;
    info.lastUsedUs = nowUs;
    info.uses += 1;
  }

  /** The process has ended, and everything it held is lost. */
  onProcessGone(): void {
    for (const { name } of this.#parts) this.onFailed(name);
  }

  #find(part: string): PartInfo | undefined {
    return this.#parts.find(({ name }) => name === part);
  }
}
