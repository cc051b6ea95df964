/** Why a part does not load on an execution provider other than the CPU, and what to do. */
import { GlimpseError } from '../../../errors.ts';
import type { Provider } from '../../../provider.ts';

const HINT: Record<Provider, string> = {
  cpu: '',
  cuda: 'CUDA needs an NVIDIA driver, CUDA 12, cuDNN 9 and the CUDA files of onnxruntime-node: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
  webgpu: 'WebGPU needs a graphics driver with Vulkan, Metal or Direct3D 12',
};

/** @param cause what onnxruntime said */
export const providerError = (provider: Provider, part: string, cause: Error): GlimpseError =>
  new GlimpseError('PROVIDER_MISSING', {
    message: `The execution provider ${provider} does not run ${part} here: ${firstLine(cause)}. ${HINT[provider]}; --provider cpu works everywhere.`,
    details: { provider, part },
    cause,
  });

/** onnxruntime adds its source files and a stack. */
const firstLine = ({ message }: Error): string => (message.split('\n')[0] ?? '').slice(0, 300);
