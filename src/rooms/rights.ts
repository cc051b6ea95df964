/** What a member of a room may do. A right comes with a token, or with the secret of a link. */
export const RIGHTS = ['watch', 'publish', 'steer', 'host'] as const;
export type Right = (typeof RIGHTS)[number];

/** `control` is playback: pause, play and seek, which all members see. */
export type RoomAction = 'watch' | 'publish' | 'steer' | 'control' | 'close' | 'invite';

const ALLOWED: Record<Right, readonly RoomAction[]> = {
  watch: ['watch'],
  publish: ['watch', 'publish'],
  steer: ['watch', 'steer', 'control'],
  host: ['watch', 'publish', 'steer', 'control', 'close', 'invite'],
};

export const may = (right: Right, action: RoomAction): boolean => ALLOWED[right].includes(action);
