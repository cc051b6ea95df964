/** What the inference process has, what it loses when it dies, and what of it is begun again. */
import { describe, expect, it } from 'vitest';
import { BegunBatches, pendingRun, type Batch } from '../../../src/generation/onnx/runtime/begun-batches.ts';
import type { Run } from '../../../src/generation/onnx/runtime/run.ts';
import { float32 } from '../../../src/generation/onnx/process/tensor.ts';

const step = (feeds: Run['feeds'] = {}, signal?: AbortSignal): Run => ({
  part: 'denoiser',
  feeds,
  keeps: true,
  signal,
});

function begun(...runs: Run[][]): { batches: BegunBatches; added: Batch[] } {
  const batches = new BegunBatches();
  const added = runs.map((some, id) =>
    Object.assign(batches.add(some.map((run) => pendingRun(run, () => {}))), { id }),
  );
  return { batches, added };
}

describe('feeds', () => {
  it('name outputs that are in the process still, and are tensors once they are here', () => {
    const other = step();
    const first = step();
    const next = step({ latent: { of: first, output: 'latent_next' } });
    const { batches, added } = begun([other, first], [next]);
    const [running, waiting] = added as [Batch, Batch];
    expect(batches.takeFeeds(waiting)).toEqual([{ latent: { ofBatch: 0, index: 1, output: 'latent_next' } }]);
    first.outputs = { latent_next: float32([1], 1) };
    batches.remove(running);
    expect(batches.takeFeeds(waiting)).toEqual([{ latent: float32([1], 1) }]);
    expect(batches.settledId).toBe(0);
  });

  it('are not there for a run whose predecessor has failed: it leaves its batch, and the others stay', async () => {
    const failed = step();
    const { batches, added } = begun([step({ latent: { of: failed, output: 'latent_next' } }), step()]);
    const [batch] = added as [Batch];
    const [orphan] = batch.runs;
    expect(batches.takeFeeds(batch)).toHaveLength(1);
    await expect(orphan?.result).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('a process that dies', () => {
  it('loses its batch only with the next one', () => {
    const { batches, added } = begun([step()], [step()]);
    expect(batches.onDeath()).toEqual({ lost: [], withdrawn: [] });
    expect(batches.unposted).toEqual(added);
    expect(batches.onDeath().lost).toEqual([added[0]]);
    expect(batches.unposted).toEqual([added[1]]);
  });

  it('takes with it what nobody waits for, and what was to be withdrawn', async () => {
    const caller = new AbortController();
    const { batches, added } = begun([step()], [step({}, caller.signal)], [step()]);
    const [, forgotten, unwanted] = added as [Batch, Batch, Batch];
    caller.abort();
    unwanted.withdrawn = Promise.withResolvers();
    expect(batches.onDeath()).toEqual({ lost: [forgotten], withdrawn: [unwanted] });
    expect(await unwanted.withdrawn.promise).toBe(true);
    expect(batches.size).toBe(1);
  });
});
