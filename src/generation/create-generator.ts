/** The one place that knows which generators exist; a new backend is a line here. */
import type { Config } from '../config.ts';
import { GlimpseError } from '../errors.ts';
import { createComfyUiGenerator, type ComfyUiConfig } from './comfyui/create.ts';
import type { Generator } from './generator.ts';
import { defaultModelDirectory } from './onnx/model-pack.ts';
import { OnnxGenerator } from './onnx/pipeline.ts';
import { PatternGenerator } from './pattern.ts';

type GeneratorConfig = Pick<Config, 'generator' | 'model' | 'threads' | 'size' | 'fps'> & ComfyUiConfig;

export interface GeneratorHooks {
  /** A worker of the generator died and was replaced. */
  onRestart?: () => void;
}

/** @throws GlimpseError MODEL_INVALID, CONFIG_INVALID, WORKFLOW_INVALID */
export async function createGenerator(config: GeneratorConfig, hooks: GeneratorHooks = {}): Promise<Generator> {
  if (config.generator === 'onnx') {
    const { model: modelDirectory = defaultModelDirectory(), threads } = config;
    return OnnxGenerator.create({ modelDirectory, threads, ...hooks });
  }
  if (config.generator === 'comfyui') return createComfyUiGenerator(config);
  const [widthPx = 0, heightPx = 0] = config.size.split('x').map(Number);
  if (widthPx % 2 || heightPx % 2 || widthPx < 64 || heightPx < 64 || widthPx > 3840 || heightPx > 2160)
    throw new GlimpseError('CONFIG_INVALID', { message: '--size needs even sides from 64x64 to 3840x2160' });
  return new PatternGenerator({ widthPx, heightPx, fps: config.fps });
}
