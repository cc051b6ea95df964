/** A figure of `glimpse bench faults`, with what it may be at most. */
export interface FaultFigure {
  /** The fault, and what is measured from it on. */
  name: string;
  value: number;
  /** At most this. */
  limit: number;
  unit: string;
}

export function atMost(name: string, value: number, limit: number, unit: string): FaultFigure {
  return { name, value: Math.round(value * 10) / 10, limit, unit };
}
