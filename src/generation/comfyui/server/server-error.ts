/**
 * Maps failures of a ComfyUI server to our errors. Messages name nodes, inputs and exception types, never values,
 * because a value may be the user's prompt.
 */
import { GlimpseError } from '../../../errors.ts';
import type { ExecutionFailure, Refusal } from './wire.ts';

/**
 * Torch's class is `torch.OutOfMemoryError`, formerly `torch.cuda.OutOfMemoryError`. Its CPU and DirectML allocators,
 * numpy, CUDA's libraries, C++ and the operating system say it in words of their own.
 */
const OUT_OF_MEMORY = new RegExp(
  [
    'out[ _]?of[ _](device[ _]|host[ _])?memory|OutOfMemory',
    'not enough (gpu )?(video )?memory|insufficient memory',
    'MemoryError|bad_alloc|bad allocation|ALLOC_FAILED|cudaErrorMemoryAllocation',
    'allocation on device|(could not|cannot|unable to|failed to) allocate',
    'paging file is too small',
  ].join('|'),
  'i',
);

/** A model file that ends too early or is none: safetensors, torch and zip say so in their own words. */
const DAMAGED_FILE =
  /SafetensorError|deserializing header|HeaderTooLarge|MetadataIncompleteBuffer|PytorchStreamReader|UnpicklingError|invalid load key|unexpected EOF|EOFError|BadZipFile/i;

/** An address for logs, without user and password (RFC 9110 section 4.2.4). */
export const withoutUserinfo = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** The server cannot be reached, or does not answer like ComfyUI. */
export const serverDown = (message: string, cause?: unknown): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', { message, retryAfterMs: 1_000, cause });

/** The prompt ended well, but its tap was not run: a node before it said so (`ExecutionBlocker`). */
export const tapBlocked = (tier: string): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: `ComfyUI made no picture of the tier ${tier}: a node of the graph blocks it.`,
    details: { reason: 'node-failed' },
  });

/** The server ran the prompt and a node failed. */
export function executionError({
  node_id,
  node_type,
  exception_type,
  exception_message,
}: ExecutionFailure): GlimpseError {
  const words = `${exception_type} ${exception_message}`;
  const reason = OUT_OF_MEMORY.test(words)
    ? 'out-of-memory'
    : node_type.includes('Loader') && DAMAGED_FILE.test(words)
      ? 'file-damaged'
      : 'node-failed';
  const details = { reason, nodeId: node_id, nodeType: node_type };
  return new GlimpseError('GENERATOR_DOWN', { message: MESSAGES[reason](node_type, exception_type), details });
}

const MESSAGES = {
  'out-of-memory': (node: string) =>
    `ComfyUI ran out of memory in ${node}. Use a smaller size, fewer frames or a quantised checkpoint.`,
  'file-damaged': (node: string) => `ComfyUI cannot read the model file of ${node}: is its download complete?`,
  'node-failed': (node: string, exception: string) =>
    `ComfyUI failed in ${node} (${exception}); its console says more.`,
} as const;

export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof GlimpseError && error.details['reason'] === 'out-of-memory';

/** The server itself failed, so another may succeed: it is down, disconnected, or answers something else. */
export const isServerGone = (error: unknown): boolean =>
  error instanceof GlimpseError && error.code === 'GENERATOR_DOWN' && error.details['reason'] === undefined;

/** The server refused the graph before running it. */
export function refusedError({ error, node_errors }: Refusal): GlimpseError {
  const problems = Object.entries(Array.isArray(node_errors) ? {} : (node_errors ?? {})).flatMap(([nodeId, node]) =>
    node.errors.map(({ type, message, extra_info }) => ({
      nodeId,
      nodeType: node.class_type ?? 'a node',
      input: extra_info?.input_name,
      type,
      message,
    })),
  );
  const [first] = problems;
  const summary =
    first === undefined
      ? whole(error)
      : `${first.nodeType}${first.input === undefined ? '' : ` input ${first.input}`}: ${first.message} (${first.type})`;
  return new GlimpseError('WORKFLOW_INVALID', {
    message: `ComfyUI refused the workflow: ${summary}. \`glimpse comfyui check\` lists what is missing.`,
    details: { problems },
  });
}

function whole(error: Refusal['error']): string {
  if (typeof error === 'string') return error;
  const nodeType = error.extra_info?.class_type;
  return nodeType === undefined ? `${error.message} (${error.type})` : `node ${nodeType} (${error.type})`;
}
