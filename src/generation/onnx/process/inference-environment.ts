/** What the inference process sees of the environment: settings of libraries and of memory, and none of the secrets. Pure. */

const NEEDED =
  /^(MALLOC_|LD_LIBRARY_PATH$|DYLD_|CUDA_|NVIDIA_|VK_|XDG_|HOME$|NODE_COMPILE_CACHE$|TMPDIR$|TMP$|TEMP$|SystemRoot$)/i;

/**
 * From 1.29 on the official Linux builds of ONNX Runtime report names and hashes of models to Microsoft, keep an
 * identifier in the folder for temporary files and write a log there. The library reads the variable that its process
 * was started with.
 */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' };

export const inferenceEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(environment).filter(([name]) => NEEDED.test(name))),
  ...NO_TELEMETRY,
});
