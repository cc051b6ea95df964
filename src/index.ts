/** The public API for a program that embeds the service. The browser SDK is `glimpse-client`. */
export { configSchema } from './config/config-schema.ts';
export { configOptions, loadConfig, type Config } from './config/config.ts';
export { ERROR_CODES, GlimpseError, type ErrorCode } from './errors.ts';
export type { Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from './generation/generator.ts';
export { TIERS, type Tier } from './picture/tiers.ts';
export type { I420Frame } from './picture/frame.ts';
export { startService, type Service, type ServiceOptions } from './service.ts';
export type { PromptContext, PromptFilter, PromptVerdict } from '../signaling/prompt-filter.ts';
export { mintToken, type TokenRequest } from '../signaling/access/mint.ts';
