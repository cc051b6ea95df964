/** What `connect` takes, and how it becomes the request on the wire. */
import type { GenerationRequest, ServerMessage } from './wire.ts';
import { GlimpseClientError } from './errors.ts';

export type Message<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
export type Welcome = Message<'welcome'>;
export type Accepted = Message<'accepted'>;
export type TierEvent = Message<'tier'>;
export type PlayingEvent = Message<'playing'>;
export type ProgressEvent = Message<'progress'>;
export type Tier = TierEvent['tier'];
export type Mode = GenerationRequest['mode'];

export interface ConnectOptions {
  /**
   * The server: `https://host`, with the path it is served below if any, or the WebSocket's own address ending in
   * `/signal`. Default: where the page is.
   */
  url?: string | URL | undefined;
  /**
   * Bearer token, where the server asks for one; or a function that fetches one, called for every connection, so that a
   * token may be short-lived or for one use. It travels as a WebSocket subprotocol, never in a URL.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /**
   * The prompt, or a list of prompts, `a | b | c`; or a function that picks one when the server has said what it can do. A string saves a round trip: it
   * goes out the moment the socket opens.
   */
  prompt: string | ((welcome: Welcome) => string);
  /** `live` (default) has no end; `clip` is `seconds` long and loops. */
  mode?: Mode | undefined;
  /** Clip length, s. Default 4; ignored in live mode. */
  seconds?: number | undefined;
  /** 0 … 2³²−1. Same prompt and seed, same picture. Default: the server picks. */
  seed?: number | undefined;
  /** How hard the picture follows the prompt, 0 … 20. Default: the generator's own. */
  guidance?: number | undefined;
  /** Slices from one prompt of a list to the next, 1 … 8. Default 1. */
  transitionSlices?: number | undefined;
  /** The way between two prompts. Default `linear`. */
  interpolation?: 'linear' | 'spherical' | undefined;
  codec?: 'VP8' | 'H264' | undefined;
  /** Nothing above this tier is computed. */
  tierCap?: Tier | undefined;
  /** Id of an upload to begin from (`uploadInput`). */
  input?: string | undefined;
  /** What the picture should not have. This and the next two where `welcome.generator.options` names them. */
  negativePrompt?: string | undefined;
  /** Denoise steps of the first stage, 1 … 100. */
  steps?: number | undefined;
  /** One of `welcome.generator.cameraMoves`. */
  cameraMove?: string | undefined;
  /** Hold colours and contrast of later slices to the first one of the same prompt, against drift. Default: false. */
  adain?: boolean | undefined;
  /** Ends the stream for good. */
  signal?: AbortSignal | undefined;
  /** Used instead of what the server's welcome names. */
  iceServers?: RTCIceServer[] | undefined;
  /** `relay`: only through a TURN server, so that the viewer's address stays unknown to the server. Default `all`. */
  iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** When the session is gone (the page slept too long), start a new one with the last request. Default true. */
  restartLost?: boolean | undefined;
}

export function generationRequest(options: ConnectOptions, prompt: string): GenerationRequest {
  const { mode = 'live', seconds = 4, seed, guidance, transitionSlices, interpolation, codec, tierCap } = options;
  const { input, negativePrompt, steps, cameraMove, adain } = options;
  const chosen = { input, negativePrompt, steps, cameraMove, adain };
  return { prompt, mode, seconds, seed, guidance, transitionSlices, interpolation, codec, tierCap, ...chosen };
}

/** For callers whom no compiler tells. @throws GlimpseClientError PROMPT_EMPTY */
export function requireOptions(options: Partial<ConnectOptions> | undefined): void {
  if (typeof options?.prompt !== 'function') requirePrompt(options?.prompt);
}

/** @throws GlimpseClientError PROMPT_EMPTY */
export function requirePrompt(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  throw new GlimpseClientError('PROMPT_EMPTY', 'connect needs a prompt: a string, or a function that returns one.');
}

/** A server's address as a folder: without one, where the page is. */
export function serverUrl({ url }: Pick<ConnectOptions, 'url'>): URL {
  const page = globalThis.location?.href;
  const address = url === undefined ? new URL('.', page) : new URL(url, page);
  address.search = '';
  address.hash = '';
  // A path is the service's own, below a proxy's; what ends it may be the socket's name, or a page's.
  address.pathname = `${address.pathname.replace(/\/(signal|[^/]*\.html?)?$/, '')}/`;
  return address;
}

/** The address of the WebSocket for a server's address. */
export function signalUrl(options: Pick<ConnectOptions, 'url'>): URL {
  const address = new URL('signal', serverUrl(options));
  address.protocol = address.protocol.replace('http', 'ws');
  return address;
}

/** What the WebSocket offers as subprotocols: the protocol, and the token where there is one. */
export async function subprotocols({ token }: Pick<ConnectOptions, 'token'>): Promise<string[]> {
  const text = typeof token === 'function' ? await token() : token;
  return text === undefined ? [] : ['glimpse.v1', `glimpse.token.${text}`];
}
