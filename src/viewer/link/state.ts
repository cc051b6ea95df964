/**
 * The life of a session as a total table: every state handles every event. Pure; the caller acts on the result.
 * `waiting`: there is no peer connection yet, or the last one is gone and may be resumed.
 */
export const SESSION_STATES = ['new', 'connecting', 'live', 'waiting', 'closed'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

export const SESSION_EVENTS = ['offered', 'connected', 'lost', 'deadline', 'closed'] as const;
export type SessionEvent = (typeof SESSION_EVENTS)[number];

/** The deadline that runs in each state; limits.ts holds the durations. */
export const DEADLINES: Record<SessionState, 'connect' | 'resume' | undefined> = {
  new: 'connect',
  connecting: 'connect',
  live: undefined,
  waiting: 'resume',
  closed: undefined,
};

const TABLE: Record<SessionState, Record<SessionEvent, SessionState>> = {
  new: { offered: 'connecting', connected: 'live', lost: 'new', deadline: 'closed', closed: 'closed' },
  connecting: { offered: 'connecting', connected: 'live', lost: 'waiting', deadline: 'closed', closed: 'closed' },
  live: { offered: 'live', connected: 'live', lost: 'waiting', deadline: 'live', closed: 'closed' },
  waiting: { offered: 'connecting', connected: 'live', lost: 'waiting', deadline: 'closed', closed: 'closed' },
  closed: { offered: 'closed', connected: 'closed', lost: 'closed', deadline: 'closed', closed: 'closed' },
};

export const nextState = (state: SessionState, event: SessionEvent): SessionState => TABLE[state][event];
