/** A figure of `glimpse bench security` beside its limit, and what all attacks begin from. */
import { readFileSync } from 'node:fs';

export interface SecurityFigure {
  attack: string;
  figure: string;
  value: number;
  /** At most this. */
  limit: number;
  unit: string;
}

export const most = (attack: string, figure: string, value: number, limit: number, unit: string): SecurityFigure => ({
  attack,
  figure,
  value: Math.round(value * 100) / 100,
  limit,
  unit,
});

/** Of a real Chromium. */
export const OFFER = readFileSync(new URL('../support/wire/chromium-offer.sdp', import.meta.url), 'utf8');

/** Without rates, which would refuse most of it unread, and with room in the line for whoever the machine cannot hold. */
export const UNLIMITED = {
  messagesPerSecond: 10_000,
  creationsPerMinute: 100_000,
  abuseScore: 0,
  maxSessions: 200,
  queueMax: 200,
};
