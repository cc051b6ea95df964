/** The options of `connect`, and their conversion to the request on the wire. */
import type { CameraSource } from './camera.ts';
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
export type RoomEvent = Message<'room'>;
export type SteeredEvent = Message<'steered'>;
export type Right = RoomEvent['right'];

export interface ConnectOptions {
  /**
   * The server: `https://host`, with the path of a proxy if any, or the URL of the WebSocket ending in `/signal`.
   * Default: the page's own server and folder.
   */
  url?: string | URL | undefined;
  /**
   * Bearer token, where the server requires one; or a function that fetches one. It is called for every connection, so
   * a token may be short-lived or single-use. The token travels as a WebSocket subprotocol, never in a URL.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /**
   * The prompt, or a list of prompts, `a | b | c`; or a function that picks one from the server's capabilities. A
   * string saves a round trip: it is sent as soon as the socket opens. Needed unless `room` names one to join.
   */
  prompt?: string | ((welcome: Welcome) => string) | undefined;
  /**
   * Shares the stream. `true`: a new room; `live.room` then has the secrets for links. With a name: joins that room, or
   * creates it where there is none and a prompt is given.
   */
  room?: boolean | RoomOptions | undefined;
  /** `live` (default) has no end; `clip` is `seconds` long and loops. */
  mode?: Mode | undefined;
  /** Clip length, s. Default 4; ignored in live mode. */
  seconds?: number | undefined;
  /** 0 … 2³²−1. The same prompt and seed give the same picture. Default: the server picks. */
  seed?: number | undefined;
  /** Guidance scale, 0 … 20. Default: the generator's own. */
  guidance?: number | undefined;
  /** Length of the transition from one prompt of a list to the next, slices, 1 … 8. Default 1. */
  transitionSlices?: number | undefined;
  /** Interpolation between two prompts. Default `linear`. */
  interpolation?: 'linear' | 'spherical' | undefined;
  codec?: 'VP8' | 'H264' | undefined;
  /** Highest tier to compute. */
  tierCap?: Tier | undefined;
  /** Id of an upload to begin from (`uploadInput`). */
  input?: string | undefined;
  /** What to keep out of the picture. This and the next two where `welcome.generator.options` names them. */
  negativePrompt?: string | undefined;
  /** Denoise steps of the first stage, 1 … 100. */
  steps?: number | undefined;
  /** One of `welcome.generator.cameraMoves`. */
  cameraMove?: string | undefined;
  /** Hold colours and contrast of later slices to the first one of the same prompt, against drift. Default: false. */
  adain?: boolean | undefined;
  /**
   * Takes the stream's sound, where there is some; muting is the video element's. False: video alone. Default true.
   */
  sound?: boolean | undefined;
  /**
   * Sends a camera for the stream to follow, where `welcome.generator.live` says so: `true` for the browser's choice,
   * constraints (`{ deviceId }`), or a stream or track of the page's own. Default: none.
   */
  camera?: CameraSource | undefined;
  /** Ends the stream for good. */
  signal?: AbortSignal | undefined;
  /** Replaces the ICE servers of the server's welcome. */
  iceServers?: RTCIceServer[] | undefined;
  /** `relay`: only through a TURN server, so that the server does not learn the viewer's address. Default `all`. */
  iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** When the session is gone (the page slept too long), start a new one with the last request. Default true. */
  restartLost?: boolean | undefined;
}

export interface RoomOptions {
  /** 1 to 64 letters, digits, `_` and `-`. Default: the server chooses one that cannot be guessed. */
  name?: string | undefined;
  /** The secret of a link; it gives the link's right. */
  key?: string | undefined;
  /** The name to show to the others. */
  as?: string | undefined;
  /** For a new room: the right of those who know only its name. Default: they are refused. */
  everyone?: Exclude<Right, 'host'> | undefined;
}

export function generationRequest(options: ConnectOptions, prompt: string): GenerationRequest {
  const { mode = 'live', seconds = 4, seed, guidance, transitionSlices, interpolation, codec, tierCap } = options;
  const { input, negativePrompt, steps, cameraMove, adain } = options;
  const chosen = { input, negativePrompt, steps, cameraMove, adain };
  return { prompt, mode, seconds, seed, guidance, transitionSlices, interpolation, codec, tierCap, ...chosen };
}

/** @param joined the room as last reported, for a return to it: its host returns as host */
export function roomRequest(
  { room }: Pick<ConnectOptions, 'room'>,
  joined?: Pick<RoomEvent, 'name' | 'keys'>,
): RoomOptions | undefined {
  if (room === undefined || room === false) return undefined;
  const asked = room === true ? {} : room;
  const { name = joined?.name, key = joined?.keys?.host, as, everyone } = asked;
  return { name, key, as, everyone };
}

/** For callers without type checking. @throws GlimpseClientError PROMPT_EMPTY */
export function requireOptions(options: Partial<ConnectOptions> | undefined): void {
  if (options?.prompt === undefined && joins(options?.room)) return;
  if (typeof options?.prompt !== 'function') requirePrompt(options?.prompt);
}

const joins = (room: ConnectOptions['room']): boolean => typeof room === 'object' && room.name !== undefined;

/** @throws GlimpseClientError PROMPT_EMPTY */
export function requirePrompt(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  throw new GlimpseClientError('PROMPT_EMPTY', 'connect needs a prompt: a string, or a function that returns one.');
}

/** A server's address as a folder URL; default: the page's folder. */
export function serverUrl({ url }: Pick<ConnectOptions, 'url'>): URL {
  const page = globalThis.location?.href;
  const address = url === undefined ? new URL('.', page) : new URL(url, page);
  address.search = '';
  address.hash = '';
  // The path is that of the service, also below a proxy. Its last part may name the socket or a page.
  address.pathname = `${address.pathname.replace(/\/(signal|[^/]*\.html?)?$/, '')}/`;
  return address;
}

/** The URL of the WebSocket for a server's address. */
export function signalUrl(options: Pick<ConnectOptions, 'url'>): URL {
  const address = new URL('signal', serverUrl(options));
  address.protocol = address.protocol.replace('http', 'ws');
  return address;
}

/** The subprotocols that the WebSocket offers: the protocol, and the token if there is one. */
export async function subprotocols({ token }: Pick<ConnectOptions, 'token'>): Promise<string[]> {
  const text = typeof token === 'function' ? await token() : token;
  return text === undefined ? [] : ['glimpse.v1', `glimpse.token.${text}`];
}
