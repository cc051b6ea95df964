/** Creates the ComfyUI backend from the service's settings. */
import type { Config } from '../../config/config.ts';
import { GlimpseError } from '../../errors.ts';
import type { ListenerErrorHandler } from '../../events.ts';
import { ComfyUiGenerator } from './comfyui-generator.ts';
import { ComfyClient } from './server/client.ts';
import { InputFile } from './input-file.ts';
import { ComfyPool, type ComfyPoolOptions } from './server/pool.ts';
import { mappedWorkflow } from './workflows/mapped-workflow.ts';
import { readMapping, readParameters } from './workflows/settings.ts';
import type { Workflow } from './workflows/workflow.ts';
import { isWorkflowName, ltxWorkflow, WORKFLOW_NAMES } from './workflows/ltx/catalogue.ts';

export type ComfyUiConfig = Pick<
  Config,
  'comfyuiUrl' | 'workflow' | 'comfyuiCheckpoint' | 'comfyuiSize' | 'comfyuiParameters' | 'comfyuiInput'
>;

export interface ComfyUiHooks {
  onPressure?: ComfyPoolOptions['onPressure'];
  /** The model family has been chosen by what the servers have. */
  onChosen?: ((workflow: Workflow) => void) | undefined;
  onListenerError?: ListenerErrorHandler | undefined;
}

/** @throws GlimpseError CONFIG_INVALID, WORKFLOW_INVALID */
export async function createComfyUiGenerator(
  config: ComfyUiConfig,
  { onPressure, onChosen, onListenerError }: ComfyUiHooks = {},
): Promise<ComfyUiGenerator> {
  const workflow = workflowOf(config);
  const inputFile = config.comfyuiInput === undefined ? undefined : await InputFile.read(config.comfyuiInput);
  const pool = new ComfyPool({
    clients: urlsOf(config).map((url) => new ComfyClient({ url, onListenerError })),
    onPressure,
  });
  return new ComfyUiGenerator({ pool, workflow, inputFile, onChosen });
}

/** The servers, without duplicates. */
export const urlsOf = ({ comfyuiUrl }: Pick<Config, 'comfyuiUrl'>): string[] => [
  ...new Set(
    comfyuiUrl
      .split(',')
      .map((url) => url.trim())
      .filter((url) => url !== ''),
  ),
];

/** A named workflow, or a mapping file for any other graph. @throws GlimpseError CONFIG_INVALID, WORKFLOW_INVALID */
export function workflowOf(config: ComfyUiConfig): Workflow {
  const { workflow: name } = config;
  if (name.endsWith('.json')) return mappedWorkflow(readMapping(name));
  if (!isWorkflowName(name))
    throw new GlimpseError('CONFIG_INVALID', {
      message: `--workflow: there is no ${name}; there are ${WORKFLOW_NAMES.join(', ')}, and mapping files ending in .json`,
    });
  const [widthPx = 0, heightPx = 0] = config.comfyuiSize.split('x').map(Number);
  const parameters = readParameters(config.comfyuiParameters);
  return ltxWorkflow(name, { ...parameters, checkpoint: config.comfyuiCheckpoint, widthPx, heightPx });
}
