/** What a generator with models says about its memory, and what it can be told to do about it. */
import type { PartInfo } from '../onnx/runtime/part-memory.ts';

/** Memory of a GPU, or whatever the models run on besides the host. */
export interface DeviceMemory {
  usedBytes: number;
  totalBytes: number;
}

export interface MemoryReport {
  /** In the order in which a slice needs them. */
  parts: readonly PartInfo[];
  /** For all parts together; Infinity without a budget. */
  budgetBytes: number;
  /** Null where the models run in host memory. */
  device: DeviceMemory | null;
}

export interface Activation {
  /** All parts were in memory, loaded or half-loaded. */
  hit: boolean;
  /** Until all parts that fit were loaded. */
  ms: number;
}

export interface ModelMemory {
  report(): Promise<MemoryReport>;
  /** Loads what a slice needs, as far as the budget allows. @throws GlimpseError GENERATOR_DOWN, MODEL_INVALID */
  activate(): Promise<Activation>;
  /** Nobody needs the model now: half-loaded it is back in under 100 ms, cold it takes no memory. */
  rest(to: 'half-loaded' | 'cold'): Promise<void>;
  /** Parts one after another: nothing but the part in use stays loaded. */
  setLowMemory(on: boolean): void;
}
