/**
 * Where the inference process starts: what must hold before and while it computes (worker.ts). Signals are for the
 * service: Ctrl-C reaches the whole group, and a stream that drains still needs pictures. The process ends with the
 * service even from inside a native call, since another thread waits for the end of a pipe that the service holds open.
 */
import { Worker } from 'node:worker_threads';
import { LIFELINE_FD, type FromProcess } from './worker-protocol.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.title = 'glimpse inference';

// As text and not as a file: a thread without the loader of modules takes 10 MiB less.
const lifeline = new Worker(
  `try { while (require('node:fs').readSync(${LIFELINE_FD}, Buffer.alloc(1)) > 0); }
  finally { process.kill(process.pid, 'SIGKILL'); }`,
  { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 } },
);
lifeline.unref();

try {
  const { serve } = await import('./worker.ts');
  await serve();
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  const died: FromProcess = { type: 'died', code, message };
  await new Promise((sent) => process.send?.(died, undefined, undefined, sent));
}
// Nothing is left to do, and the lifeline's thread cannot be ended.
process.kill(process.pid, 'SIGKILL');
