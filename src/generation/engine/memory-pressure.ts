/**
 * How close memory is to its budget, as a total transition table of three states: alert at 80%, low-memory mode at 90%.
 * A state ends only well below its limit; otherwise a mode that frees memory would end itself and start again. Pure.
 */
export const PRESSURES = ['normal', 'alert', 'low-memory'] as const;
export type Pressure = (typeof PRESSURES)[number];

/** Shares of the budget. */
export const PRESSURE_LIMITS = { alert: 0.8, lowMemory: 0.9, leaveLowMemory: 0.75, leaveAlert: 0.7 } as const;

/** @param ratio memory used over the budget */
export function nextPressure(now: Pressure, ratio: number): Pressure {
  const { alert, lowMemory, leaveLowMemory, leaveAlert } = PRESSURE_LIMITS;
  if (ratio >= lowMemory) return 'low-memory';
  switch (now) {
    case 'low-memory':
      return ratio > leaveLowMemory ? 'low-memory' : ratio > leaveAlert ? 'alert' : 'normal';
    case 'alert':
      return ratio > leaveAlert ? 'alert' : 'normal';
    default:
      return ratio >= alert ? 'alert' : 'normal';
  }
}
