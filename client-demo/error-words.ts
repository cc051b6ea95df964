/** Texts for the viewer, by error code. */
import type { GlimpseClientError } from '../src/client/index.ts';

const WORDS: Readonly<Record<string, string>> = {
  CONNECTION_LOST: 'The server cannot be reached.',
  SESSION_LIMIT: 'All places are taken at the moment.',
  RATE_LIMITED: 'That was a little fast. Wait a moment.',
  USER_LIMIT: 'You have as many streams open as this server allows.',
  ABUSE_REFUSED: 'Too much from here had to be refused. Wait a few minutes.',
  UNAUTHORIZED: 'This server asks for a token, and this one does not do.',
  FORBIDDEN: 'This token is for something else.',
  ORIGIN_FORBIDDEN: 'This page may not use that server.',
  PROMPT_REFUSED: 'That prompt is not allowed here.',
  PROMPT_FILTER_DOWN: 'The prompt could not be checked. Try again.',
  PROMPT_EMPTY: 'Describe something first.',
  PARAMETER_INVALID: 'One of the values is out of its range.',
  INPUT_INVALID: 'That file holds no picture or video that can be read.',
  INPUT_LIMIT: 'You have uploaded as much as fits. Wait a moment.',
  INPUT_NOT_FOUND: 'The upload has expired. Choose the file again.',
  ROOM_NOT_FOUND: 'That room has ended, or the link is not complete.',
  ROOM_FULL: 'The room is full. Try again later.',
  PUBLISHER_EXISTS: 'Someone else is sending their camera. Only one can at a time.',
  CODEC_UNSUPPORTED: 'This browser and the server share no video codec.',
  CONNECT_TIMEOUT: 'The video found no way through the network. A firewall may block UDP.',
  GENERATOR_DOWN: 'The generator does not answer.',
  MODEL_INVALID: "The server's model is incomplete.",
  ENCODER_FAILED: 'The video encoder failed.',
  SERVER_CLOSING: 'The server is restarting.',
  SESSION_NOT_FOUND: 'The session has ended.',
};

/** Texts for the end reasons of a session or connection; any other reason is already text. */
const REASONS: Readonly<Record<string, string>> = {
  'server-closing': 'The server is restarting.',
  'peer-gone': 'The video connection was lost.',
  'connect-timeout': 'The video found no way through the network.',
};

export const reasonWords = (reason: string): string => REASONS[reason] ?? reason;

export const errorWords = ({ code, message }: Pick<GlimpseClientError, 'code' | 'message'>): string =>
  WORDS[code] ?? (message || `Something went wrong (${code}).`);
