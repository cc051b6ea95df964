/**
 * The sources of the settings in `config-schema.ts` and their names there. Precedence: flag, then `GLIMPSE_*`, then
 * the JSON file of `--config`, then the default.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { configSchema } from './config-schema.ts';
import { withoutEditorSchema } from './editor-schema.ts';
import { GlimpseError } from '../errors.ts';

export type Config = z.infer<typeof configSchema>;
export type ConfigKey = keyof Config;

export interface ConfigOption {
  key: ConfigKey;
  /** `--rtc-host` */
  flag: string;
  /** `GLIMPSE_RTC_HOST` */
  environment: string;
  description: string;
  defaultValue: string | number | boolean | undefined;
  /** May be given without a value. */
  isToggle: boolean;
}

const strictSchema = z.strictObject(configSchema.shape);
let options: readonly ConfigOption[] | undefined;

const words = (key: string): string[] => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(' ');

/** One entry per setting, in schema order, for help texts and docs. */
export function configOptions(): readonly ConfigOption[] {
  options ??= Object.entries(configSchema.shape).map(([key, schema]) => ({
    key: key as ConfigKey,
    flag: `--${words(key).join('-')}`,
    environment: `GLIMPSE_${words(key).join('_').toUpperCase()}`,
    description: schema.description ?? '',
    defaultValue: schema.safeParse(undefined).data,
    isToggle: typeof schema.safeParse(undefined).data === 'boolean',
  }));
  return options;
}

export interface ConfigSources {
  flags: Partial<Record<ConfigKey, unknown>>;
  environment: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file. */
  file?: string | undefined;
  /** Called for each variable that was ignored. */
  onWarning?: ((text: string) => void) | undefined;
}

/**
 * Kubernetes sets these variables in every container for a Service: one named `glimpse` gives
 * `GLIMPSE_PORT=tcp://10.96.0.12:8080` (service links, `enableServiceLinks`). No setting has this form.
 */
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//;

/** @throws GlimpseError CONFIG_INVALID naming each setting that is wrong. */
export function loadConfig({ flags, environment, file, onWarning }: ConfigSources): Config {
  const merged: Record<string, unknown> = file === undefined ? {} : readFile(file);
  for (const option of configOptions()) {
    // Shells and compose files use an empty variable for an unset one.
    const given = environment[option.environment] || undefined;
    const isLink = given !== undefined && SERVICE_LINK.test(given);
    if (isLink) onWarning?.(`${option.environment}=${given} is a service link of Kubernetes and is left aside`);
    const value = flags[option.key] ?? (isLink ? undefined : given);
    if (value !== undefined) merged[option.key] = value;
  }
  for (const key of SECRETS) readSecret(merged, key);
  const parsed = strictSchema.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw new GlimpseError('CONFIG_INVALID', {
    message: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`).join('; '),
  });
}

/** Settings that may be read from a file of their own. */
const SECRETS = ['authSecret', 'turnSecret', 'turnCredential'] as const satisfies readonly ConfigKey[];

function readSecret(settings: Record<string, unknown>, key: (typeof SECRETS)[number]): void {
  const fileKey = `${key}File` as const satisfies ConfigKey;
  const path = settings[fileKey];
  if (typeof path !== 'string') return;
  if (settings[key] !== undefined)
    throw new GlimpseError('CONFIG_INVALID', { message: `${key}, ${fileKey}: give only one of the two.` });
  try {
    settings[key] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new GlimpseError('CONFIG_INVALID', { message: `${fileKey}: cannot read ${path}`, cause });
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(withoutEditorSchema(JSON.parse(readFileSync(path, 'utf8'))));
  } catch (cause) {
    throw new GlimpseError('CONFIG_INVALID', {
      message: `The config file ${path} cannot be read, or is not JSON.`,
      cause,
    });
  }
}
