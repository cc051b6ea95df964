/** What the inference process may see of the service's environment. */
import { expect, it } from 'vitest';
import { inferenceEnvironment } from '../../../src/generation/onnx/process/inference-environment.ts';

it('sees settings of libraries and memory, and no secret', () => {
  const seen = inferenceEnvironment({
    GLIMPSE_TOKEN_SECRET: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    LD_PRELOAD: '/some/where.so',
    LD_LIBRARY_PATH: '/usr/local/cuda/lib64',
    CUDA_VISIBLE_DEVICES: '0',
    MALLOC_ARENA_MAX: '2',
    TMPDIR: '/tmp',
  });
  expect(seen).toEqual({
    LD_LIBRARY_PATH: '/usr/local/cuda/lib64',
    CUDA_VISIBLE_DEVICES: '0',
    MALLOC_ARENA_MAX: '2',
    TMPDIR: '/tmp',
    ORT_DISABLE_TELEMETRY: '1',
  });
});
