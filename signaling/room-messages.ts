/** Rooms on the wire: what an offer asks for, and what members are told. */
import { z } from 'zod';
import { RIGHTS } from '../src/rooms/rights.ts';

export const right = z.enum(RIGHTS);

/**
 * Joins the room of this name, or creates it where there is none and the request has a prompt. The prompt of one who
 * joins is not used.
 */
export const roomRequest = z.strictObject({
  /** Absent: a new room with a name that cannot be guessed. */
  name: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
  /** The secret of a link; it gives the link's right. */
  key: z.string().max(64).optional(),
  /** The name to show to the others. Absent: "Guest" and a number. */
  as: z.string().max(200).optional(),
  /** For a new room: the right of those who join with its name alone. Absent: they are refused. */
  everyone: right.exclude(['host']).optional(),
});
export type RoomRequest = z.infer<typeof roomRequest>;

export const roomMember = z.object({
  /** Public: it opens nothing. */
  id: z.string(),
  name: z.string(),
  right,
  /** Sends camera or microphone into the stream. */
  publishes: z.boolean(),
});

/** Sent after joining, and whenever someone joins, leaves or changes. */
export const roomMessage = z.object({
  type: z.literal('room'),
  name: z.string(),
  /** The receiver's own member id. */
  you: z.string(),
  right,
  members: z.array(roomMember),
  /** Secrets for links, by right; only for hosts. */
  keys: z.partialRecord(right, z.string()).optional(),
});
