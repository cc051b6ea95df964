/** What all viewers of one stream share: the stream itself, the sum of what they can use, and its encodes. */
import type { Audience } from '../stream/audience.ts';
import type { Stream } from '../stream/stream.ts';
import type { Encodes } from './encodes/encodes.ts';

export interface Stage {
  stream: Stream;
  audience: Audience;
  encodes: Encodes;
}
