/**
 * Reports to the server how often the picture froze, as the browser counts it (`freezeCount` of webrtc-stats): the
 * server cannot measure this itself. Sends a few bytes every few seconds, and nothing without a freeze.
 */
import type { ClientMessage } from './wire.ts';

export type FreezeReport = Extract<ClientMessage, { type: 'report' }>;

const INTERVAL_MS = 5_000;
const MOST = { freezes: 100, frozenMs: 60_000 } as const;

interface Counted {
  freezes: number;
  frozenMs: number;
}

/**
 * @param read the statistics of the present peer connection; undefined while there is none
 * @returns stops it
 */
export function reportFreezes(
  read: () => Promise<RTCStatsReport | undefined>,
  send: (report: FreezeReport) => void,
): () => void {
  let before: Counted = { freezes: 0, frozenMs: 0 };
  const tick = async (): Promise<void> => {
    const now = counted(await read());
    // A new peer connection counts from zero.
    if (now.freezes < before.freezes) before = { freezes: 0, frozenMs: 0 };
    const freezes = Math.min(MOST.freezes, now.freezes - before.freezes);
    const frozenMs = Math.min(MOST.frozenMs, Math.max(0, now.frozenMs - before.frozenMs));
    before = now;
    if (freezes > 0) send({ type: 'report', freezes, frozenMs });
  };
  const timer = setInterval(() => void tick().catch(() => {}), INTERVAL_MS);
  return () => clearInterval(timer);
}

function counted(report: RTCStatsReport | undefined): Counted {
  for (const entry of report?.values() ?? []) {
    const { type, freezeCount, totalFreezesDuration } = entry as Record<string, unknown>;
    if (type !== 'inbound-rtp' || typeof freezeCount !== 'number') continue;
    return { freezes: freezeCount, frozenMs: Math.round(Number(totalFreezesDuration ?? 0) * 1000) };
  }
  return { freezes: 0, frozenMs: 0 };
}
