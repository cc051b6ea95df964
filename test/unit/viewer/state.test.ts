import { describe, expect, it } from 'vitest';
import { DEADLINES, nextState, LINK_EVENTS, LINK_STATES } from '../../../src/viewer/link/state.ts';

describe('session state', () => {
  it('never leaves closed', () => {
    for (const event of LINK_EVENTS) expect(nextState('closed', event)).toBe('closed');
  });

  it('can be closed from everywhere', () => {
    for (const state of LINK_STATES) expect(nextState(state, 'closed')).toBe('closed');
  });

  it('has a deadline wherever no pictures flow, and ends when it passes', () => {
    for (const state of ['new', 'connecting', 'waiting'] as const) {
      expect(DEADLINES[state]).toMatch(/^(connect|resume)$/);
      expect(nextState(state, 'deadline')).toBe('closed');
    }
    expect(DEADLINES.live).toBeUndefined();
  });

  it('waits for a resume when the peer is lost, and comes back by a new offer', () => {
    expect(nextState('live', 'lost')).toBe('waiting');
    expect(nextState('waiting', 'offered')).toBe('connecting');
    expect(nextState('connecting', 'connected')).toBe('live');
  });
});
