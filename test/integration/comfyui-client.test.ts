/** The ComfyUI client against the stand-in server: what it asks, what it makes of answers, and of silence. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import type { Graph } from '../../src/generation/comfyui/workflows/graph.ts';
import type { NodeImage } from '../../src/generation/comfyui/server/prompt-run.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';

const FRAMES = 5;
/** Needs no weights: a real server on a CPU runs it too. */
const GRAPH: Graph = {
  blank: { class_type: 'EmptyImage', inputs: { width: 32, height: 32, batch_size: FRAMES, color: 0 } },
  scale: {
    class_type: 'ImageScale',
    inputs: { image: ['blank', 0], upscale_method: 'bilinear', width: 64, height: 48, crop: 'disabled' },
  },
  tap: { class_type: 'SaveImageWebsocket', inputs: { images: ['scale', 0] } },
};

const never = new AbortController().signal;

async function collectImages(client: ComfyClient, graph = GRAPH): Promise<NodeImage[]> {
  const images: NodeImage[] = [];
  await client.run(graph, { signal: never, onImage: (image) => void images.push(image) });
  return images;
}

describe('ComfyClient', () => {
  it('reads no further while many pictures wait to be decoded, and takes the rest afterwards', async () => {
    const large = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(4e6)]);
    await using standIn = await ComfyStandIn.start({ tapPicture: large });
    await using client = new ComfyClient({ url: standIn.url });
    const decoded = Promise.withResolvers<void>();
    // More than 8 MiB.
    const heldAtMost = 3;
    const pictures: NodeImage[] = [];
    const onImage = (image: NodeImage): Promise<void> => {
      pictures.push(image);
      return decoded.promise;
    };
    const running = client.run(GRAPH, { signal: never, onImage });
    while (pictures.length < heldAtMost) await sleep(2);
    await sleep(200);
    expect(pictures).toHaveLength(heldAtMost);
    decoded.resolve();
    await running;
    expect(pictures).toHaveLength(FRAMES);
  });

  it('runs a graph and hands on every picture of its tap in order, with progress', async () => {
    const before = takeHoldings();
    {
      await using standIn = await ComfyStandIn.start();
      await using client = new ComfyClient({ url: standIn.url });
      const steps: number[] = [];
      const images: NodeImage[] = [];
      await client.run(GRAPH, {
        signal: never,
        onImage: (image) => void images.push(image),
        onProgress: ({ value }) => steps.push(value),
      });
      expect(images.map(({ nodeId }) => nodeId)).toEqual(Array.from({ length: FRAMES }, () => 'tap'));
      expect(new Set(images.map(({ image }) => Buffer.from(image).toString('hex'))).size).toBe(FRAMES);
      expect(steps).toEqual([0, 1, 2, 3, 4]);
      expect(client.promptIds).toEqual([]);
    }
    await expectNoLeaks(before);
  });

  it('runs at a server from before feature flags and client-chosen ids', async () => {
    await using standIn = await ComfyStandIn.start({ old: true });
    await using client = new ComfyClient({ url: standIn.url });
    expect(await collectImages(client)).toHaveLength(FRAMES);
  });

  it('never hands on a picture of another prompt, nor a broken message', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url });
    Object.assign(standIn.faults, { foreignPictures: true, malformedBinary: true });
    expect(await collectImages(client)).toHaveLength(FRAMES);
    expect(standIn.foreignPicturesSent).toBe(FRAMES);
    expect(client.malformedMessages).toBe(5 * FRAMES);
  });

  it('finds the end of a prompt in the history when every event is lost', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url, pingMs: 50 });
    standIn.faults.silent = true;
    expect(await collectImages(client)).toEqual([]);
  });

  it('opens a lost socket under the same client id, and says that something is missing', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url, silenceMs: 100 });
    standIn.faults.dropSocketAtImage = 2;
    let gaps = 0;
    await client.run(GRAPH, { signal: never, onGap: () => gaps++ });
    expect(gaps).toBe(1);
    expect(await collectImages(client)).toHaveLength(FRAMES);
    expect(new Set(standIn.prompts.map(({ clientId }) => clientId)).size).toBe(1);
  });

  it('ends a connection that answers no ping, and opens another', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url, silenceMs: 50 });
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    standIn.faults.holdSteps = promise;
    standIn.faults.deaf = true;
    let gaps = 0;
    const running = client.run(GRAPH, { signal: never, onGap: () => gaps++ });
    await until(() => gaps > 0);
    standIn.faults.deaf = false;
    goOn();
    await running;
    expect(await collectImages(client)).toHaveLength(FRAMES);
  });

  it('ends its prompts in one step where the server can', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url });
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    standIn.faults.holdSteps = promise;
    const abort = new AbortController();
    const running = client.run(GRAPH, { signal: abort.signal });
    await until(() => standIn.executed.length > 0);
    const [id] = standIn.queued;
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await until(() => standIn.cancels.length > 0);
    goOn();
    expect([standIn.cancels, standIn.interrupts]).toEqual([[id], []]);
  });

  it('interrupts its own running prompt, and takes a waiting one out of the queue', async () => {
    await using standIn = await ComfyStandIn.start({ old: true });
    await using client = new ComfyClient({ url: standIn.url });
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    standIn.faults.holdSteps = promise;
    const first = new AbortController();
    const second = new AbortController();
    const running = client.run(GRAPH, { signal: first.signal });
    await until(() => standIn.queued.length === 1 && standIn.executed.length > 0);
    const waiting = client.run(GRAPH, { signal: second.signal });
    await until(() => standIn.queued.length === 2);
    const [runningId = '', waitingId = ''] = standIn.queued;
    expect(await client.queuePosition(runningId)).toBe(0);
    expect(await client.queuePosition(waitingId)).toBe(1);
    second.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await until(() => standIn.queued.length === 1);
    expect(standIn.interrupts).toEqual([]);
    first.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await until(() => standIn.interrupts.length > 0);
    goOn();
    await until(() => standIn.queued.length === 0);
    expect(standIn.interrupts).toEqual([runningId]);
  });

  it('names node and input when the server refuses a graph, and never the value', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url });
    const secret = 'a private prompt';
    const scale = { ...GRAPH['scale']!, inputs: { ...GRAPH['scale']!.inputs, upscale_method: secret } };
    const bad = { ...GRAPH, scale };
    const refused = await client.run(bad, { signal: never }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'WORKFLOW_INVALID' });
    expect((refused as Error).message).toContain('ImageScale input upscale_method');
    expect(JSON.stringify(refused) + JSON.stringify((refused as { details: object }).details)).not.toContain(secret);
    const unknown = { ...GRAPH, other: { class_type: 'NoSuchNode', inputs: {} } };
    await expect(client.run(unknown, { signal: never })).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      message: expect.stringContaining('NoSuchNode') as string,
    });
  });

  it('tells a node that failed from one that ran out of memory', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url });
    standIn.faults.failingNode = 'ImageScale';
    await expect(collectImages(client)).rejects.toMatchObject({
      code: 'GENERATOR_DOWN',
      details: { reason: 'node-failed', nodeId: 'scale' },
    });
  });

  it('says GENERATOR_DOWN for a server that answers HTML, an error, nothing, or like another version, and works after', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url });
    for (const answer of ['html', 'error', 'nothing', 'other version'] as const) {
      standIn.faults.answer = answer;
      await expect(client.systemStats()).rejects.toMatchObject({ code: 'GENERATOR_DOWN', retryable: true });
      await expect(collectImages(client)).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    }
    delete standIn.faults.answer;
    expect(await collectImages(client)).toHaveLength(FRAMES);
    expect((await client.systemStats()).devices[0]?.vram_free).toBe(2e9);
  });

  it('asks about the version where something else answers, and waits no longer than it may for silence', async () => {
    await using standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url, timeoutMs: 100 });
    standIn.faults.answer = 'other version';
    await expect(client.systemStats()).rejects.toThrow(/does not answer like ComfyUI.*version/);
    standIn.faults.answer = 'silence';
    await expect(client.systemStats()).rejects.toMatchObject({ code: 'GENERATOR_DOWN', retryable: true });
  });

  it('says GENERATOR_DOWN when the server dies in the middle of a prompt', async () => {
    const standIn = await ComfyStandIn.start();
    await using client = new ComfyClient({ url: standIn.url, silenceMs: 50 });
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    Object.assign(standIn.faults, { silent: true, holdSteps: promise });
    const run = client.run(GRAPH, { signal: never });
    await until(() => standIn.queued.length === 1);
    const failed = expect(run).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    await standIn.close();
    await failed;
    goOn();
  });

  it('refuses an address that is none', () => {
    expect(() => new ComfyClient({ url: 'file:///etc/passwd' })).toThrowError(/--comfyui-url/);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}
