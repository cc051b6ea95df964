/** Starts the stand-in's process and sets its faults. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Faults } from '../support/comfyui/comfyui-stand-in-faults.ts';

export interface Server extends AsyncDisposable {
  url: string;
  /** `dropClient` cuts that client's socket at once. */
  set(faults: Faults & { dropClient?: string }): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const child = fork(fileURLToPath(new URL('server-process.ts', import.meta.url)));
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    set: async (faults) => {
      child.send(faults);
      await once(child, 'message');
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}
