/** What `connect` takes, and how it becomes the request on the wire. */
import type { GenerationRequest, ServerMessage } from './wire.ts';

export type Message<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
export type Welcome = Message<'welcome'>;
export type Accepted = Message<'accepted'>;
export type TierEvent = Message<'tier'>;
export type PlayingEvent = Message<'playing'>;
export type ProgressEvent = Message<'progress'>;
export type Tier = TierEvent['tier'];
export type Mode = GenerationRequest['mode'];

export interface ConnectOptions {
  /** The server: `http(s)://host`, or the WebSocket's own address ending in `/signal`. Default: the page's origin. */
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

/** The address of the WebSocket for a server's address. */
export function signalUrl({ url = globalThis.location?.href }: Pick<ConnectOptions, 'url'>): URL {
  const address = new URL('.', url);
  const explicit = new URL(url).pathname.endsWith('/signal');
  if (explicit) address.pathname = new URL(url).pathname;
  else address.pathname += 'signal';
  address.protocol = address.protocol.replace('http', 'ws');
  return address;
}

/** What the WebSocket offers as subprotocols: the protocol, and the token where there is one. */
export async function subprotocols({ token }: Pick<ConnectOptions, 'token'>): Promise<string[]> {
  const text = typeof token === 'function' ? await token() : token;
  return text === undefined ? [] : ['glimpse.v1', `glimpse.token.${text}`];
}
