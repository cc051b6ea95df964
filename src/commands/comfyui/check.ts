/** `glimpse comfyui check`: checks that the ComfyUI server has everything that the workflow needs. */
import type { Config } from '../../config/config.ts';
import { GlimpseError } from '../../errors.ts';
import { ComfyClient } from '../../generation/comfyui/server/client.ts';
import { urlsOf, workflowOf } from '../../generation/comfyui/create.ts';
import { withoutUserinfo } from '../../generation/comfyui/server/server-error.ts';
import type { Workflow } from '../../generation/comfyui/workflows/workflow.ts';
import { checkGraph, describeProblem, PROBE } from '../../generation/comfyui/workflows/workflow-check.ts';

/** @throws GlimpseError WORKFLOW_INVALID when something is missing, GENERATOR_DOWN when there is no such server. */
export async function comfyUiCheck(config: Config, signal: AbortSignal): Promise<void> {
  const workflow = workflowOf(config);
  const missing: string[] = [];
  for (const url of urlsOf(config)) if (!(await checkServer(url, workflow, signal))) missing.push(nameOf(url));
  if (missing.length > 0)
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `${workflow.name} cannot run as it is at ${missing.join(', ')}`,
    });
}

/** Prints the result. @returns whether everything is there */
async function checkServer(url: string, workflow: Workflow, signal: AbortSignal): Promise<boolean> {
  await using client = new ComfyClient({ url });
  const { system, devices } = await client.systemStats(signal);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`ComfyUI ${system.comfyui_version ?? 'of an unknown version'} at ${nameOf(url)}`);
  for (const { name, vram_free, vram_total } of devices)
    print(`  ${name}: ${gib(vram_free)} of ${gib(vram_total)} GiB free`);
  print(
    `${workflow.name}: ${workflow.tiers.map(({ tier, widthPx, heightPx }) => `${tier} ${widthPx}x${heightPx}`).join(', ')}, ${workflow.frames} frames at ${workflow.fps} fps`,
  );
  const info = await client.objectInfo(signal);
  const fitted = workflow.fitted?.([info]) ?? workflow;
  if (fitted.family !== undefined) print(`  model family: LTX-${fitted.family}`);
  if (fitted.previewMethod === 'taesd') print('  previews by the tiny decoder');
  if (system.argv?.includes('--disable-metadata') !== true)
    print(
      '  note: this server writes prompts into the files that its Save nodes make; --disable-metadata keeps them out',
    );
  const graphs = (['none', 'smaller'] as const).map((memoryMode) => fitted.build(PROBE, { memoryMode }).graph);
  const problems = new Set(graphs.flatMap((graph) => checkGraph(graph, info)).map(describeProblem));
  for (const problem of problems) print(`  missing: ${problem}`);
  if (problems.size === 0) print('  everything is there');
  return problems.size === 0;
}

/** The address without user and password. */
const nameOf = (url: string): string => withoutUserinfo(new URL(url));

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
