/** Network figures: target and sent bitrate, frame rate, and the values that explain them. */
import type { Stats } from '../src/client/index.ts';
import { byId } from './element.ts';
import { Plot } from './plot.ts';

export const formatBitrate = (bps: number): string =>
  bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbps` : `${Math.round(bps / 1e3)} kbps`;

/** Texts for the reasons in docs/congestion.md. */
const REASON_WORDS: Record<string, string> = {
  start: 'is what it began with',
  increase: 'grows',
  hold: 'waits: the queue is neither empty nor long',
  queue: 'was cut for a standing queue',
  overuse: 'was cut for a growing queue',
  drain: 'is low until the queue is empty',
  probe: 'rose to what a probe proved',
  loss: 'is bounded by losses',
  remb: 'is bounded by the receiver',
  compete: 'is held by loss: others fill the queue',
  timeout: 'was halved: nothing is heard',
};

export class NetworkView {
  readonly #bitrate = new Plot(byId('bitrate-plot', HTMLElement), 'Bitrate', [
    { label: 'target', colour: '#8f9bb3', format: formatBitrate },
    { label: 'sent', colour: '#4aa8f5', format: formatBitrate, filled: true },
  ]);
  readonly #fps = new Plot(byId('fps-plot', HTMLElement), 'Frame rate', [
    { label: 'frames', colour: '#3fe0b4', format: (fps) => `${Math.round(fps)} fps`, filled: true },
  ]);
  readonly #text = byId('network-text', HTMLElement);

  show(stats: Stats): void {
    this.#bitrate.add(stats.targetBps, stats.sentBps);
    this.#fps.add(stats.fps);
    const rtt = stats.rttMs === null ? '–' : `${stats.rttMs.toFixed(stats.rttMs < 10 ? 1 : 0)} ms`;
    const queueMs = Math.round(stats.pacerQueueMs + stats.networkQueueMs);
    const loss = `${(stats.lossRatio * 100).toFixed(1)} %`;
    const reason = stats.estimatorReason;
    this.#text.textContent = `round trip ${rtt} · queue ${queueMs} ms · loss ${loss} · target: ${reason}`;
    this.#text.title = `${stats.codec}; the target ${REASON_WORDS[reason] ?? reason}`;
  }

  clear(): void {
    this.#bitrate.clear();
    this.#fps.clear();
  }
}
