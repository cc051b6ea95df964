/** `glimpse cluster`: which workers there are and what they do; who holds which lease; drains one. */
import { sleep, systemClock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import { GlimpseError } from '../../errors.ts';
import { createLog } from '../../log.ts';
import { printTable } from '../table.ts';

/** Two beats, so that every worker is heard. */
const LISTEN_MS = 600;
const ANSWER_MS = 5_000;

export interface ClusterCommand {
  json: boolean;
  /** Id or name of a worker to drain. */
  drain?: string | undefined;
  /** Also ask each worker for its leases. */
  leases: boolean;
}

/** @throws GlimpseError CLUSTER_DOWN, CLUSTER_REFUSED, CONFIG_INVALID, NOT_FOUND, PARAMETER_INVALID */
export async function cluster(config: Config, { json, drain, leases }: ClusterCommand): Promise<void> {
  const [{ Cluster }, { connectTo }] = await Promise.all([
    import('../../generation/cluster/cluster.ts'),
    import('../../generation/cluster/join.ts'),
  ]);
  const log = createLog({ level: 'silent' });
  const bus = await connectTo(config, { log }, ANSWER_MS);
  await using seen = new Cluster({ bus, name: config.clusterName, log });
  await sleep(systemClock, LISTEN_MS);
  const workers = seen.workers.all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (drain !== undefined) {
    const { id, name } = theOne(drain, workers);
    await seen.questions.drain(id);
    process.stdout.write(
      json ? `${JSON.stringify({ draining: { id, name } })}\n` : `${name} (${id}) drains and ends\n`,
    );
    return;
  }
  const held = leases
    ? await Promise.all(workers.map(async ({ id }) => ({ worker: id, leases: await seen.questions.leases(id) })))
    : undefined;
  if (json) {
    process.stdout.write(`${JSON.stringify({ cluster: config.clusterName, workers, ...(held ? { held } : {}) })}\n`);
    return;
  }
  const rows = workers.map(({ name, id, state, jobs, leases: streams, backlogMs, costsMs, pack }) => [
    name,
    id,
    state,
    String(jobs),
    String(streams),
    `${Math.round(backlogMs)} ms`,
    Object.entries(costsMs)
      .map(([tier, ms]) => `${tier} ${Math.round(ms)} ms`)
      .join(', ') || '-',
    pack.slice(0, 12),
  ]);
  printTable([['worker', 'id', 'state', 'jobs', 'streams', 'waiting', 'a tier takes', 'pack'], ...rows]);
  for (const { worker, leases: list } of held ?? [])
    for (const { stream, gateway, ageMs } of list)
      process.stdout.write(`${worker}  ${stream}  of gateway ${gateway}  since ${Math.round(ageMs / 1_000)} s\n`);
}

function theOne<Node extends { id: string; name: string }>(wanted: string, workers: readonly Node[]): Node {
  const found = workers.filter(({ id, name }) => id === wanted || name === wanted);
  const [one] = found;
  if (one && found.length === 1) return one;
  if (one)
    throw new GlimpseError('PARAMETER_INVALID', {
      message: `${found.length} workers have the name ${wanted}: give the id of one`,
      details: { ids: found.map(({ id }) => id) },
    });
  throw new GlimpseError('NOT_FOUND', { message: `no worker has the name or id ${wanted}` });
}
