/** What a generator with models reports about its memory, and how to control it. */
import type { PartInfo } from '../onnx/runtime/part-memory.ts';

/** Memory of a GPU or another device that runs the models. */
export interface DeviceMemory {
  usedBytes: number;
  totalBytes: number;
}

export interface MemoryReport {
  /** In the order that a slice needs them. */
  parts: readonly PartInfo[];
  /** For all parts together; Infinity without a budget. */
  budgetBytes: number;
  /** Resident memory of the process that runs the models, beside this one; 0 without one. */
  processBytes: number;
  /** Null where the models run in host memory. */
  device: DeviceMemory | null;
}

export interface Activation {
  /** All parts were in memory, loaded or half-loaded. */
  hit: boolean;
  /** Time until all parts that fit were loaded. */
  ms: number;
}

export interface ModelMemory {
  report(): Promise<MemoryReport>;
  /** Loads what a slice needs, as far as the budget allows. @throws GlimpseError GENERATOR_DOWN, MODEL_INVALID */
  activate(): Promise<Activation>;
  /** The model is unused: half-loaded it is back in under 100 ms, cold it takes no memory. */
  rest(to: 'half-loaded' | 'cold'): Promise<void>;
  /** Low-memory mode: only the part in use stays loaded. */
  setLowMemory(on: boolean): void;
}
