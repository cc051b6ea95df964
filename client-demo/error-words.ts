/** Texts for the viewer, by error code: what is wrong, and what the viewer can do about it. */
import type { ClientErrorCode, GlimpseClientError } from '../src/client/index.ts';

/** Codes of requests that the page does not make, and of a server that does not start. */
type NotOnThePage =
  | 'CLIP_NOT_READY'
  | 'CONFIG_INVALID'
  | 'METHOD_NOT_ALLOWED'
  | 'PRECONDITION_FAILED'
  | 'PRECONDITION_REQUIRED'
  | 'UPGRADE_REQUIRED';

const SERVER_FAILED = 'Something failed on the server. Try again; if it happens again, tell its operator.';
const OPERATOR_NEEDED = 'The server is not set up correctly. Tell its operator.';
const RELOAD = 'The page and the server do not understand each other. Reload the page.';

const WORDS: Readonly<Record<Exclude<ClientErrorCode, NotOnThePage>, string>> = {
  ABORTED: 'That was cancelled. Try again.',
  ABUSE_REFUSED: 'The server had to refuse too much from here. Wait a few minutes.',
  AUTH_DOWN: 'The server cannot check tokens at the moment. Try again in a minute.',
  CAMERA_DENIED: 'The browser may not use the camera. Allow it in the site settings.',
  CAMERA_IN_USE: 'Another program uses the camera. Close it, then try again.',
  CAMERA_NOT_FOUND: 'There is no camera. Connect one, then try again.',
  CAMERA_UNAVAILABLE: 'The browser gives cameras only to pages on HTTPS or localhost. Open the page there.',
  CANDIDATE_INVALID: 'One of the network paths cannot be used. The others are still tried.',
  CLUSTER_DOWN: 'No worker is ready to make pictures. Try again in a minute.',
  CLUSTER_PROTOCOL: SERVER_FAILED,
  CLUSTER_REFUSED: OPERATOR_NEEDED,
  CLUSTER_VERSION: OPERATOR_NEEDED,
  CODEC_UNSUPPORTED: 'This browser and the server share no video codec. Use a current Chrome, Firefox or Safari.',
  CONNECTION_LOST: 'The server cannot be reached. Check your connection.',
  CONNECT_TIMEOUT: 'The video found no way through the network. A firewall may block UDP: try another network.',
  ENCODER_CLOSED: SERVER_FAILED,
  ENCODER_FAILED: 'The video encoder failed. The server opens a new one.',
  FORBIDDEN: 'This token does not permit that. Ask for one that does.',
  GENERATOR_DOWN: 'The generator does not answer. The server tries again by itself.',
  GENERATOR_UNAVAILABLE: 'The generator has failed several times. Try again in a few minutes.',
  HOST_FORBIDDEN: 'The server does not answer at this address. Open the page at localhost.',
  INPUT_INVALID: 'That file holds no picture or video that can be read. Choose a PNG, JPEG, WebP or MP4.',
  INPUT_LIMIT: 'There is no room for another upload. Wait a moment, then try again.',
  INPUT_NOT_FOUND: 'The upload has expired. Choose the file again.',
  INPUT_TOO_LARGE: 'That file is too large. Choose a smaller one.',
  INTERNAL: SERVER_FAILED,
  LIVE_INPUT_INVALID: 'The video of the camera cannot be decoded. Try another browser or camera.',
  LIVE_INPUT_TOO_LARGE: 'The pictures of the camera are too large. Choose a lower resolution.',
  LIVE_INPUT_UNSUPPORTED: 'This server takes no camera. Start from a picture, or from a prompt alone.',
  MEDIA_TYPE_UNSUPPORTED: 'That kind of file is not taken. Choose a PNG, JPEG, WebP or MP4.',
  MEMORY_BUDGET: OPERATOR_NEEDED,
  MESSAGE_INVALID: RELOAD,
  MESSAGE_TOO_LARGE: 'That is too long to send. Shorten the prompt.',
  MODEL_INVALID: "The server's model is incomplete. Tell its operator.",
  NOT_FOUND: RELOAD,
  NO_SESSION: 'There is no stream yet. Start one first.',
  ORIGIN_FORBIDDEN: 'This page may not use that server. Open the page that the server itself serves.',
  PARAMETER_INVALID: 'One of the values is out of range. Check the settings.',
  PEER_CLOSED: 'The video connection has closed. Try again.',
  PEER_UNTRUSTED: 'The video connection could not be secured. Try again, or try another network.',
  PROMPT_EMPTY: 'Describe something first.',
  PROMPT_FILTER_DOWN: 'The prompt could not be checked. Try again in a moment.',
  PROMPT_LIST_TOO_LONG: 'There are too many prompts in the list. Remove some.',
  PROMPT_REFUSED: 'That prompt is not allowed here. Try another one.',
  PROMPT_TOO_LONG: 'The prompt is too long. Shorten it.',
  PROVIDER_MISSING: OPERATOR_NEEDED,
  PUBLISHER_EXISTS: 'Someone else is sending their camera. Only one can at a time: wait until they stop.',
  RATE_LIMITED: 'That was a little fast. Wait a moment.',
  ROOM_EXISTS: 'There is a room of this name already. Join it by its link, or choose another name.',
  ROOM_FULL: 'The room is full. Try again later.',
  ROOM_NOT_FOUND: 'That room has ended, or the link is not complete. Ask for a new link.',
  SDP_INVALID: 'This browser and the server cannot agree on a connection. Use a current Chrome, Firefox or Safari.',
  SDP_TOO_LARGE: 'The browser offers more than the server reads. Reload the page.',
  SERVER_CLOSING: 'The server is restarting. Try again in a moment.',
  SESSION_EXISTS: 'This page has a stream already. Reload the page to start another one.',
  SESSION_LIMIT: 'All places are taken at the moment. Try again later.',
  SESSION_NOT_FOUND: 'The session has ended. Start a new one.',
  SOUND_INVALID: SERVER_FAILED,
  STORAGE_FAILED: 'The server cannot store files at the moment. Tell its operator.',
  UNAUTHORIZED: 'This server asks for a token. Enter a valid one.',
  USER_LIMIT: 'You have as many streams open as this server allows. Close one.',
  WORKFLOW_INVALID: "The server's workflow is incomplete. Tell its operator.",
};

/** Codes whose message from the server names the limit that was passed. */
const NAMES_LIMIT: ReadonlySet<string> = new Set(['PROMPT_LIST_TOO_LONG', 'PROMPT_TOO_LONG']);

/** Texts for the end reasons of a session or connection; any other reason is already text. */
const REASONS: Readonly<Record<string, string>> = {
  'server-closing': 'The server is restarting.',
  'peer-gone': 'The video connection was lost.',
  'connect-timeout': 'The video found no way through the network. A firewall may block UDP.',
};

export const reasonWords = (reason: string): string => REASONS[reason] ?? reason;

/** A newer server may send a code that is not in the table: then its own message is shown. */
export function errorWords({ code, message }: Pick<GlimpseClientError, 'code' | 'message'>): string {
  if (NAMES_LIMIT.has(code) && message !== '') return message;
  const known: Readonly<Partial<Record<string, string>>> = WORDS;
  return known[code] ?? (message || `Something went wrong (${code}). Try again.`);
}
