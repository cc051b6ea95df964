/** From handing in a graph of an LTX-2 workflow to the server's acceptance, over the kept-alive connection. */
import { randomUUID } from 'node:crypto';
import { ComfyHttp } from '../../src/generation/comfyui/server/http.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ltxWorkflow } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { Server } from './server-handle.ts';

export async function measureSubmit(server: Server, count: number): Promise<number[]> {
  const parameters = { ...readParameters(undefined), widthPx: 256, heightPx: 256, frames: 17 };
  const workflow = ltxWorkflow('t2v-distilled', parameters);
  const http = new ComfyHttp(new URL(`${server.url}/`));
  const samplesMs: number[] = [];
  // Nobody listens to these, so the server sends no pictures.
  for (let seed = 0; seed <= count; seed++) {
    const startedMs = performance.now();
    const { graph } = workflow.build({ prompt: 'a red ball', seed, slice: 0 }, { memoryMode: 'none' });
    const submission = {
      graph,
      clientId: 'bench',
      promptId: randomUUID(),
      front: false,
      previewMethod: 'none',
    } as const;
    await http.submit(submission);
    samplesMs.push(performance.now() - startedMs);
  }
  http.close();
  // The first opens the connection.
  return samplesMs.slice(1);
}
