/** The door and the sessions behind it as a server has them, over any registry; lets everyone in by default. */
import { Access } from '../../signaling/access/access.ts';
import type { AccessOptions } from '../../signaling/access/access.ts';
import { addressIdentity } from '../../signaling/access/identity.ts';
import { Gate } from '../../signaling/gate.ts';
import type { PromptFilter } from '../../signaling/prompt-filter.ts';
import { silentLog } from '../../src/log.ts';
import type { SessionRegistry } from '../../src/session/contract.ts';

export const SOMEBODY = addressIdentity('192.0.2.1');

export function openGate(
  registry: SessionRegistry,
  { filterPrompt, ...options }: AccessOptions & { filterPrompt?: PromptFilter } = {},
): Gate {
  return new Gate({ registry, access: new Access(options), filterPrompt, log: silentLog });
}
