/**
 * The life of a link as a total table: every state handles every event. Pure; the caller acts on the result.
 * `waiting`: there is no peer connection yet, or the last one is gone and may be resumed.
 */
export const LINK_STATES = ['new', 'connecting', 'live', 'waiting', 'closed'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export const LINK_EVENTS = ['offered', 'connected', 'lost', 'deadline', 'closed'] as const;
export type LinkEvent = (typeof LINK_EVENTS)[number];

/** The deadline that runs in each state; limits.ts holds the durations. */
export const DEADLINES: Record<LinkState, 'connect' | 'resume' | undefined> = {
  new: 'connect',
  connecting: 'connect',
  live: undefined,
  waiting: 'resume',
  closed: undefined,
};

const TABLE: Record<LinkState, Record<LinkEvent, LinkState>> = {
  new: { offered: 'connecting', connected: 'live', lost: 'new', deadline: 'closed', closed: 'closed' },
  connecting: { offered: 'connecting', connected: 'live', lost: 'waiting', deadline: 'closed', closed: 'closed' },
  live: { offered: 'live', connected: 'live', lost: 'waiting', deadline: 'live', closed: 'closed' },
  waiting: { offered: 'connecting', connected: 'live', lost: 'waiting', deadline: 'closed', closed: 'closed' },
  closed: { offered: 'closed', connected: 'closed', lost: 'closed', deadline: 'closed', closed: 'closed' },
};

export const nextState = (state: LinkState, event: LinkEvent): LinkState => TABLE[state][event];
