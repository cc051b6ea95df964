/** The memory settings in bytes: what the process may take, and the part of it for models. */
import { totalmem } from 'node:os';
import type { Config } from '../../config/config.ts';
import { GlimpseError } from '../../errors.ts';

const MB = 2 ** 20;
/** Share of the available memory when no budget is set. */
const DEFAULT_SHARE = 0.75;

export interface MemoryBudget {
  processBytes: number;
  partsBytes: number;
}

/** @throws GlimpseError CONFIG_INVALID when the reserve leaves nothing for models. */
export function memoryBudget({
  memoryBudget: budgetMb,
  reserveMemory,
}: Pick<Config, 'memoryBudget' | 'reserveMemory'>): MemoryBudget {
  // 0 if the container sets no limit.
  const available = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  const processBytes = budgetMb === undefined ? available * DEFAULT_SHARE : budgetMb * MB;
  const partsBytes = processBytes - reserveMemory * MB;
  if (partsBytes > 0) return { processBytes, partsBytes };
  const message = `--reserve-memory ${reserveMemory} leaves nothing of a memory budget of ${Math.floor(processBytes / MB)} MB for models`;
  throw new GlimpseError('CONFIG_INVALID', { message });
}
