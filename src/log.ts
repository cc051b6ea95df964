/**
 * One JSON line per event on standard output (pino). Prompts, SDP, candidates and tokens are private: fields with
 * those names are redacted at any depth. Foreign errors are logged by type and stack frames only, because a parser's
 * message often quotes its input.
 */
import { pino } from 'pino';
import type { DestinationStream, LogFn, Logger } from 'pino';
import { GlimpseError } from './errors.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Field names whose value never reaches a log. */
export const PRIVATE_FIELDS = [
  'prompt',
  'sdp',
  'offer',
  'offerSdp',
  'answer',
  'answerSdp',
  'candidate',
  'resumeToken',
  'token',
  'authorization',
  'credential',
  'secret',
  'authSecret',
] as const;

export interface LogOptions {
  level: LogLevel;
  /** Where the lines go; standard output when left out. */
  destination?: DestinationStream;
}

export function createLog({ level, destination }: LogOptions): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: PRIVATE_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*.*.*.${field}`]) },
    serializers: { err: describeError, error: describeError },
    hooks: { logMethod: withoutForeignMessage },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Pino uses an error's message for a line without one; foreign messages are private, so such a line gets the type. */
function withoutForeignMessage(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [first, message, ...rest] = args as [unknown, string | undefined, ...unknown[]];
  const error = first instanceof Error ? first : hasError(first) ? first.err : undefined;
  if (error === undefined) return method.apply(this, args);
  const merged = first instanceof Error ? { err: first } : (first as object);
  return method.apply(this, [merged, message ?? error.name, ...rest] as Parameters<LogFn>);
}

const hasError = (value: unknown): value is { err: Error } =>
  typeof value === 'object' && value !== null && 'err' in value && value.err instanceof Error;

/** Logs nothing; the default when a caller gives no log. */
export const silentLog: Log = pino({ level: 'silent' });

interface ErrorDescription {
  type: string;
  code?: string;
  message?: string;
  details?: Record<string, unknown>;
  frames: string[];
  cause?: ErrorDescription;
}

/** Our own messages contain no private text by contract (errors.ts); those of others are left out. */
function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, frames: [] };
  const description: ErrorDescription = { type: error.name, frames: framesOf(error) };
  if (error instanceof GlimpseError) {
    description.code = error.code;
    description.message = error.message;
    description.details = error.details;
  } else if ('code' in error && typeof error.code === 'string') {
    description.code = error.code;
  }
  if (error.cause !== undefined) description.cause = describeError(error.cause);
  return description;
}

const framesOf = ({ stack = '', message }: Error): string[] =>
  stack
    .slice(message ? stack.indexOf(message) + message.length : 0)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
