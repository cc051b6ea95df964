/** The socket is cut in the middle of a tap: until it is open again, and whether a frame is missing at the end. */
import { ComfySocket } from '../../src/generation/comfyui/server/socket.ts';
import { benchGenerator, jobOf, never } from './generator.ts';
import type { Server } from './server-handle.ts';

const FRAMES = 25;

export async function measureReconnect(
  server: Server,
  count: number,
): Promise<{ samplesMs: number[]; framesLost: number }> {
  await using generator = benchGenerator(server.url, FRAMES);
  let framesLost = 0;
  for (let run = 0; run < count; run++) {
    await server.set({ dropSocketAtImage: 6 });
    let frames = 0;
    for await (const rendition of generator.generate(jobOf(2_000 + run), { signal: never }))
      frames += rendition.frames.length;
    framesLost += generator.info.slice.frames - frames;
  }
  const samplesMs: number[] = [];
  for (let run = 0; run < count; run++) samplesMs.push(await reopening(server));
  return { samplesMs, framesLost };
}

/** From the socket's end to its being open again, by the client's own socket. */
async function reopening(server: Server): Promise<number> {
  const id = `reconnect-${Math.random()}`;
  const socket = new ComfySocket(new URL(`${server.url}/`), id, { wanted: () => true, pingMs: 5_000 });
  await socket.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  const lostAt: number[] = [];
  socket.events.on('lost', () => lostAt.push(performance.now()));
  socket.events.on('reopened', resolve);
  await server.set({ dropClient: id });
  await promise;
  const ms = performance.now() - (lostAt[0] ?? Number.NaN);
  socket.close();
  return ms;
}
