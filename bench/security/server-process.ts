/** The service under attack, in a process of its own, with what it holds and how late its event loop was, by IPC. */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { growHeapFurther } from '../../src/commands/heap-growth.ts';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService } from '../../src/service.ts';

export interface Vitals {
  url: string;
  mediaPort: number;
  sessions: number;
  peers: number;
  fileDescriptors: number;
  /** What keeps the event loop alive: sockets, timers, workers. */
  activeResources: number;
  rssMiB: number;
  /** JavaScript's part of it. */
  heapMiB: number;
  /** Longest delay of the event loop since the last question, ms. */
  loopBlockedMs: number;
  lateFrames: number;
  framesSent: number;
  /** Rejections and exceptions that nobody caught, since the start. */
  unhandled: number;
}

const flags = JSON.parse(process.env['GLIMPSE_BENCH_FLAGS'] ?? '{}') as Record<string, unknown>;
// The test pattern draws on the main thread, so it is small: what is measured is the door, not the drawing.
const small = { port: 0, generator: 'pattern', size: '64x64', fps: 20, logLevel: 'silent' };
let unhandled = 0;
// Counted, and survived: the report says how many, which must be none.
process.addListener('unhandledRejection', () => void unhandled++);
process.addListener('uncaughtException', () => void unhandled++);

// As `glimpse serve` does.
growHeapFurther();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const service = await startService(loadConfig({ flags: { ...small, ...flags }, environment: {} }), { log: silentLog });
await service.ready;

async function vitals(): Promise<Vitals> {
  const { text } = await service.metrics.exposition();
  const counter = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const loopBlockedMs = delay.max / 1e6;
  delay.reset();
  return {
    url: service.url,
    mediaPort: service.peers.address.port,
    sessions: service.sessions.size,
    peers: service.peers.peerCount,
    fileDescriptors: readdirSync('/proc/self/fd').length,
    activeResources: process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
    loopBlockedMs,
    lateFrames: counter('glimpse_late_frames_total'),
    framesSent: counter('glimpse_frames_sent_total'),
    unhandled,
  };
}

process.addListener('message', (question) => {
  if (question === 'collect') (globalThis as { gc?: () => void }).gc?.();
  else void vitals().then((answer) => process.send?.(answer));
});
// A bench that was killed leaves no service behind.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send?.(await vitals());
