/** What ComfyUI and its extensions say in ways of their own. */
import { describe, expect, it } from 'vitest';
import { parsePythonJson } from '../../../../src/generation/comfyui/python-json.ts';
import { executionError } from '../../../../src/generation/comfyui/server/server-error.ts';
import {
  objectInfoSchema,
  parseTextEvent,
  queueSchema,
  refusalSchema,
  systemStatsSchema,
} from '../../../../src/generation/comfyui/server/wire.ts';

const reasonOf = (exception_type: string, exception_message: string): unknown =>
  executionError({ prompt_id: 'x', node_id: '1', node_type: 'KSampler', exception_type, exception_message }).details[
    'reason'
  ];

describe('a node that failed', () => {
  it.each([
    ['torch.OutOfMemoryError', 'Allocation on device'],
    ['torch.cuda.OutOfMemoryError', 'CUDA out of memory. Tried to allocate 2 GiB'],
    ['RuntimeError', 'CUDA error: out of memory'],
    ['RuntimeError', 'Could not allocate tensor with 471859200 bytes. There is not enough GPU video memory available!'],
    ['RuntimeError', '[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried'],
    ['RuntimeError', 'MPS backend out of memory (MPS allocated: 18.12 GB)'],
    ['RuntimeError', 'HIP out of memory. Tried to allocate 20 MiB'],
    ['RuntimeError', 'level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)'],
    ['RuntimeError', 'CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)'],
    ['MemoryError', ''],
    ['RuntimeError', 'unable to allocate 3.1 GiB for an array'],
    ['numpy._core._exceptions._ArrayMemoryError', 'Unable to allocate 1.2 GiB for an array with shape (121, 704)'],
    ['RuntimeError', 'std::bad_alloc'],
    ['OSError', '[Errno 12] Cannot allocate memory'],
    ['OSError', 'The paging file is too small for this operation to complete. (os error 1455)'],
  ])('for want of memory says so: %s, %s', (type, message) => {
    expect(reasonOf(type, message)).toBe('out-of-memory');
  });

  it.each([
    ['RuntimeError', 'mat1 and mat2 shapes cannot be multiplied'],
    ['ValueError', 'the memory of this node is full of odd values'],
    ['FileNotFoundError', 'model.safetensors'],
  ])('for another reason does not: %s, %s', (type, message) => {
    expect(reasonOf(type, message)).toBe('node-failed');
  });
});

describe('what extensions add', () => {
  const node = { input: { required: { text: ['STRING'] } }, output: ['STRING'], output_node: false };

  it('hides no node of others when it is wrong', () => {
    const info = objectInfoSchema.parse({
      Good: node,
      // RETURN_TYPES = ("IMAGE"), without the comma.
      OutputString: { ...node, output: 'IMAGE' },
      SpecString: { ...node, input: { required: { text: 'STRING' } } },
      NoInput: { output: [] },
      Nothing: null,
      NoRequired: { ...node, input: { required: null } },
    });
    expect(Object.keys(info)).toEqual(['Good', 'NoRequired']);
    const queue = { queue_running: [[1, 'a', {}], ['odd']], queue_pending: [] };
    expect(queueSchema.parse(queue).queue_running).toEqual([[1, 'a', {}]]);
    const devices = [{ name: 'npu' }, { name: 'gpu', type: 'cuda', vram_total: 8, vram_free: 2 }];
    expect(systemStatsSchema.parse({ system: {}, devices }).devices).toHaveLength(1);
    const refusal = { error: 'no', node_errors: { 1: { class_type: 'Odd' }, 2: { errors: [] } } };
    expect(Object.keys(refusalSchema.parse(refusal).node_errors ?? {})).toEqual(['2']);
  });

  it('may hold numbers that only Python writes, which are read as null', () => {
    expect(parsePythonJson('{"a":NaN,"b":[Infinity,-Infinity,1],"c":"NaN \\" -Infinity \\\\","d":{}}')).toEqual({
      a: null,
      b: [null, null, 1],
      c: 'NaN " -Infinity \\',
      d: {},
    });
    expect(
      parseTextEvent('{"type":"executed","data":{"prompt_id":"p","node":"7","output":{"x":[NaN]}}}'),
    ).toMatchObject({ type: 'executed', data: { node: '7' } });
    for (const text of ['', '{', 'NaN NaN', '"open', '{"a":nan}']) expect(parsePythonJson(text), text).toBeUndefined();
  });
});
