/**
 * The signaling server: one port for the page, the HTTP API and the WebSocket, and optionally another for metrics. It
 * uses sessions and nothing below them. Closing it closes no session: the owner of the registry does that.
 */
import type { GeneratorInfo } from '../src/generation/generator.ts';
import { ErrorLog } from '../src/error-log.ts';
import { LIMITS } from '../src/limits.ts';
import type { SessionRegistry } from '../src/session/contract.ts';
import type { Inputs } from '../src/session/inputs.ts';
import { Access } from './access/access.ts';
import { Gate } from './gate.ts';
import { httpApp } from './http/http.ts';
import type { HttpOptions } from './http/http.ts';
import { listen } from './listen/listener.ts';
import type { Listener } from './listen/listener.ts';
import { metricsApp } from './http/metrics-routes.ts';
import type { PromptFilter } from './prompt-filter.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { ServerMessage } from './protocol.ts';
import { isSignalUpgrade, SignalSockets } from './socket/sockets.ts';
import type { TlsFiles } from './listen/tls.ts';

export interface SignalingOptions extends Omit<HttpOptions, 'gate' | 'metricsHere'> {
  registry: SessionRegistry;
  /** Uploads; undefined where the generator takes none. */
  inputs?: Inputs | undefined;
  generatorInfo: GeneratorInfo;
  /** Address to bind, e.g. `127.0.0.1`. */
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Serves HTTPS with HTTP/2; metrics on their own port stay HTTP. */
  tls?: TlsFiles | undefined;
  /** Access control; default: every client that can connect is admitted. Closed with the server. */
  access?: Access | undefined;
  filterPrompt?: PromptFilter | undefined;
  /** Where `/metrics` is served: on this port (default), on its own, or not at all. */
  metricsOn?: 'here' | 'nowhere' | { host: string; port: number } | undefined;
  /** Interval between pings, and how long a socket may have no session, ms; for tests. */
  pingIntervalMs?: number;
  socketIdleMs?: number;
}

export interface SignalingServer {
  /** e.g. `http://127.0.0.1:8080`. */
  url: string;
  port: number;
  /** URL of the metrics port; undefined when there is none. */
  metricsUrl: string | undefined;
  /** Ends every socket with `bye` and stops listening. Idempotent, never throws. */
  close(reason?: string): Promise<void>;
}

/** @throws GlimpseError CONFIG_INVALID when an address cannot be bound */
export async function startSignaling(options: SignalingOptions): Promise<SignalingServer> {
  const { host, port, registry, metrics, log, filterPrompt, metricsOn = 'here' } = options;
  const access = options.access ?? new Access({ metrics, log });
  const gate = new Gate({ registry, access, filterPrompt, log, inputs: options.inputs });
  const errors = options.errors ?? new ErrorLog(log);
  const app = httpApp({ ...options, errors, gate, metricsHere: metricsOn === 'here' });
  const opened: Listener[] = [];
  try {
    const addressKey = access.connectionKey.bind(access);
    opened.push(
      await listen({ fetch: app.fetch, host, port, tls: options.tls, log, addressKey, takesUpgrade: isSignalUpgrade }),
    );
    if (typeof metricsOn === 'object') {
      const { fetch } = metricsApp({ gate, metrics, readiness: options.readiness, errors, host: metricsOn.host });
      opened.push(await listen({ fetch, ...metricsOn }));
    }
  } catch (error) {
    access.close();
    await Promise.all(opened.map((listener) => listener.stop()));
    throw error;
  }
  const [main, own] = opened as [Listener, Listener | undefined];
  const times = { pingIntervalMs: options.pingIntervalMs, idleMs: options.socketIdleMs };
  const sockets = new SignalSockets({ gate, metrics, log, errors, welcome: () => welcome(options) }, times);
  main.server.on('upgrade', (request, socket, head) => {
    sockets.upgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, 'an upgrade failed');
      socket.destroy();
    });
  });
  const close = async (reason: string): Promise<void> => {
    const ended = sockets.close(reason, LIMITS.serverCloseGraceMs);
    await Promise.all([ended, ...opened.map((listener) => listener.stop())]);
    access.close();
  };
  let closed: Promise<void> | undefined;
  return {
    url: main.url,
    port: main.port,
    metricsUrl: own?.url,
    close: (reason = 'the server is shutting down') => (closed ??= close(reason)),
  };
}

const MAX_BYTES = { image: LIMITS.inputImageMaxBytes, video: LIMITS.inputVideoMaxBytes } as const;

function welcome({ generatorInfo, iceServers }: SignalingOptions): ServerMessage {
  const { name, conditioning, slice, tiers, examples, live, input, options, cameraMoves } = generatorInfo;
  const takes = {
    ...(input && { input: { ...input, maxBytes: MAX_BYTES[input.kind] } }),
    ...(options && { options: [...options] }),
    ...(live && { live }),
    ...(cameraMoves && { cameraMoves: [...cameraMoves] }),
  };
  return {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    iceServers: iceServers(),
    generator: { name, conditioning, slice, tiers: [...tiers], examples: [...examples], ...takes },
    limits: { promptMaxChars: LIMITS.promptMaxChars, clipSecondsMax: LIMITS.clipSecondsMax },
  };
}
