/**
 * The workflow as the pool's servers can run it: asked once, and again when a server refuses the graph or cannot read a
 * model file, because then its nodes or files have changed. A family whose file is damaged is not chosen again.
 */
import { GlimpseError } from '../../errors.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { ComfyPool } from './server/pool.ts';
import type { ObjectInfo } from './server/wire.ts';
import { problemsAt } from './workflows/ltx/fit.ts';
import { describeProblem } from './workflows/workflow-check.ts';
import type { Workflow } from './workflows/workflow.ts';

export interface WorkflowFitOptions {
  pool: ComfyPool;
  workflow: Workflow;
  /** A workflow that exists for several families has been fitted: which one is used. */
  onChosen?: ((workflow: Workflow) => void) | undefined;
}

export class WorkflowFit {
  readonly #options: WorkflowFitOptions;
  readonly #damaged = new Set<string>();
  #workflow: Workflow;
  #fitting: Promise<readonly ObjectInfo[]> | undefined;

  constructor(options: WorkflowFitOptions) {
    this.#options = options;
    this.#workflow = options.workflow;
  }

  /** As asked for, until `fit` has resolved. */
  get workflow(): Workflow {
    return this.#workflow;
  }

  /** @throws GlimpseError GENERATOR_DOWN when no server answers */
  async fit(): Promise<void> {
    await this.#fit();
  }

  /** @throws GlimpseError GENERATOR_DOWN when no server answers, WORKFLOW_INVALID naming all that they lack */
  async check(): Promise<void> {
    this.#fitting = undefined;
    const infos = await this.#fit();
    const workflow = this.#workflow;
    const found = infos.flatMap((info) => problemsAt(workflow, info).map(describeProblem));
    const problems = [...new Set(found)];
    if (problems.length === 0) return;
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `${workflow.name} cannot run on this server: ${problems.join('; ')}`,
      details: { problems },
    });
  }

  /** A prompt has failed: if the servers are not what they were, the next `fit` asks them again. */
  failed(error: unknown): void {
    if (!(error instanceof GlimpseError)) return;
    const isDamaged = error.details['reason'] === 'file-damaged';
    if (isDamaged && this.#workflow.family !== undefined) this.#damaged.add(this.#workflow.family);
    if (isDamaged || error.code === 'WORKFLOW_INVALID') this.#fitting = undefined;
  }

  #fit(): Promise<readonly ObjectInfo[]> {
    const fitting = (this.#fitting ??= kept(this.#ask()));
    // Asked again next time: the server may have started by then.
    fitting.catch(() => {
      if (this.#fitting === fitting) this.#fitting = undefined;
    });
    return fitting;
  }

  async #ask(): Promise<readonly ObjectInfo[]> {
    const { pool, workflow, onChosen } = this.#options;
    const answers = await Promise.allSettled(pool.servers.map(({ client }) => client.objectInfo()));
    const infos = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    // Servers that are down may come back; one that answers is enough to start.
    if (infos.length === 0) throw answers.find((answer) => answer.status === 'rejected')?.reason;
    this.#workflow = workflow.fitted?.(infos, this.#damaged) ?? workflow;
    if (this.#workflow.family !== undefined) onChosen?.(this.#workflow);
    return infos;
  }
}
