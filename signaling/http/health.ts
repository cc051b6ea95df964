/** Whether this process can serve a viewer now; `/readyz` answers 503 with the reasons until it can. */
import type { ReadinessBody } from './api-bodies.ts';

/** What the process knows of itself. */
export interface Readiness {
  /** The generator has its weights and has run once. */
  modelWarm: boolean;
  /** An encoder of the default codec opens and answers. */
  encoderAlive: boolean;
  /** Any other obstacle, as text for people. */
  reasons?: readonly string[];
}

export function judgeReadiness({ modelWarm, encoderAlive, reasons = [] }: Readiness): ReadinessBody {
  const all = [...reasons];
  if (!modelWarm) all.unshift('the model is not warm yet');
  if (!encoderAlive) all.unshift('the video encoder is not alive');
  return { ready: all.length === 0, reasons: all };
}
