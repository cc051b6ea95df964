/**
 * Schemas of what ComfyUI's server sends: the text events of its WebSocket and the answers of its HTTP API, as in its
 * `server.py` and `execution.py`. They require only fields in use and allow others, because the server grows.
 */
import { z } from 'zod';
import { parsePythonJson } from '../python-json.ts';

const promptId = z.string();

/** Drops invalid entries of an extension: they must not hide the valid ones. */
const valid = <Schema extends z.ZodType>(entry: Schema) => ({
  inRecord: z.record(z.string(), z.unknown()).transform((entries) =>
    Object.fromEntries(
      Object.entries(entries).flatMap(([name, value]) => {
        const { success, data } = entry.safeParse(value);
        return success ? [[name, data]] : [];
      }),
    ),
  ),
  inList: z.array(z.unknown()).transform((entries) =>
    entries.flatMap((value) => {
      const { success, data } = entry.safeParse(value);
      return success ? [data] : [];
    }),
  ),
});

/** A file that a node stored, for `/view`. */
const storedFile = z.object({
  filename: z.string().min(1).max(300),
  subfolder: z.string().max(300),
  type: z.enum(['temp', 'output', 'input']),
});
export type StoredFile = z.infer<typeof storedFile>;

/** What a node shows; only sound is used. */
const nodeOutput = z
  .object({ audio: valid(storedFile).inList.optional() })
  .nullish()
  .catch(undefined);

const TEXT_EVENTS = [
  z.object({ type: z.literal('status'), data: z.object({ status: z.object({ exec_info: z.looseObject({}) }) }) }),
  z.object({ type: z.literal('execution_start'), data: z.object({ prompt_id: promptId }) }),
  z.object({
    type: z.literal('execution_cached'),
    data: z.object({ prompt_id: promptId, nodes: z.array(z.string()) }),
  }),
  z.object({
    type: z.literal('executing'),
    // After a reconnect the server names the node and not the prompt.
    data: z.object({ prompt_id: promptId.optional(), node: z.string().nullable() }),
  }),
  z.object({
    type: z.literal('progress'),
    data: z.object({ prompt_id: promptId, node: z.string(), value: z.number(), max: z.number() }),
  }),
  z.object({ type: z.literal('progress_state'), data: z.object({ prompt_id: promptId }) }),
  z.object({
    type: z.literal('executed'),
    data: z.object({ prompt_id: promptId, node: z.string(), output: nodeOutput }),
  }),
  z.object({ type: z.literal('execution_success'), data: z.object({ prompt_id: promptId }) }),
  z.object({ type: z.literal('execution_interrupted'), data: z.object({ prompt_id: promptId }) }),
  z.object({
    type: z.literal('execution_error'),
    data: z.object({
      prompt_id: promptId,
      node_id: z.string(),
      node_type: z.string(),
      exception_type: z.string(),
      exception_message: z.string(),
    }),
  }),
] as const;

const textEventSchema = z.discriminatedUnion('type', TEXT_EVENTS);
export type TextEvent = z.infer<typeof textEventSchema>;
export type ExecutionFailure = Extract<TextEvent, { type: 'execution_error' }>['data'];

/** Undefined for events this client does not use, for events of extensions, and for text that is no event. */
export function parseTextEvent(text: string): TextEvent | undefined {
  return textEventSchema.safeParse(parsePythonJson(text)).data;
}

const nodeErrors = valid(
  z.object({
    class_type: z.string().optional(),
    errors: z.array(
      z.object({
        type: z.string(),
        message: z.string(),
        // `received_value` may be a prompt, so it is not even read.
        extra_info: z.object({ input_name: z.string().optional() }).nullish(),
      }),
    ),
  }),
).inRecord;

/** `POST /prompt` with status 400. Old servers send `error` as a string. */
export const refusalSchema = z.object({
  error: z.union([
    z.string(),
    z.object({
      type: z.string(),
      message: z.string(),
      extra_info: z.object({ node_id: z.string().optional(), class_type: z.string().optional() }).nullish(),
    }),
  ]),
  // An empty dictionary is written as a list by some versions.
  node_errors: z.union([nodeErrors, z.array(z.never())]).optional(),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** `POST /prompt` with status 200. */
export const acceptedSchema = z.object({ prompt_id: promptId, number: z.number() });

/** Queue entries are arrays that begin with the number and the prompt's id. */
const queueEntry = z.tuple([z.number(), promptId]).rest(z.unknown());
export const queueSchema = z.object({
  queue_running: valid(queueEntry).inList,
  queue_pending: valid(queueEntry).inList,
});
export type Queue = z.infer<typeof queueSchema>;

export const historySchema = z.record(
  z.string(),
  z.object({
    outputs: z.record(z.string(), nodeOutput).nullish().catch(undefined),
    status: z
      .object({
        status_str: z.string(),
        completed: z.boolean(),
        messages: z.array(z.tuple([z.string(), z.unknown()])),
      })
      .nullish(),
  }),
);
export type HistoryEntry = z.infer<typeof historySchema>[string];

/** The error that ended a prompt, from its history. */
export function failureOf({ status }: HistoryEntry): TextEvent | undefined {
  return status?.messages
    .map(([type, data]) => textEventSchema.safeParse({ type, data }).data)
    .find((event) => event?.type === 'execution_error' || event?.type === 'execution_interrupted');
}

/** Memory in bytes. */
export const systemStatsSchema = z.object({
  system: z.looseObject({
    comfyui_version: z.string().optional(),
    argv: z.array(z.string()).optional().catch(undefined),
  }),
  devices: valid(z.object({ name: z.string(), type: z.string(), vram_total: z.number(), vram_free: z.number() }))
    .inList,
});
export type SystemStats = z.infer<typeof systemStatsSchema>;

const inputSpecs = z
  .record(z.string(), z.array(z.unknown()))
  .nullish()
  .transform((specs) => specs ?? undefined);
/** By class. Invalid definitions are dropped, as ComfyUI's own page does ("Skipping invalid node definition"). */
export const objectInfoSchema = valid(
  z.object({
    input: z.object({ required: inputSpecs, optional: inputSpecs }),
    output: z.array(z.unknown()),
    output_node: z.boolean().optional(),
  }),
).inRecord;
export type ObjectInfo = z.infer<typeof objectInfoSchema>;
export type NodeInfo = ObjectInfo[string];

export const uploadedSchema = z.object({ name: z.string(), subfolder: z.string(), type: z.string() });
