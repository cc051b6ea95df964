/** What goes wrong; change it at any time. */
export interface Faults {
  /** No event and no picture is sent. */
  silent?: boolean;
  /** The socket is cut before this picture of a tap (counted from 0), once. */
  dropSocketAtImage?: number | undefined;
  /** So many samplers run out of memory before one does not. */
  outOfMemory?: number;
  /** A node of this class raises an error. */
  failingNode?: string;
  /** A tap stands before this picture until the promise resolves. */
  holdAtImage?: { image: number; until: Promise<void> };
  /** Pictures of another client's prompt are sent before each of ours. */
  foreignPictures?: boolean;
  /** Broken binary messages are sent before each picture. */
  malformedBinary?: boolean;
  /** HTTP answers instead of the right ones. */
  answer?: 'html' | 'error' | 'nothing';
  /** How long each sampler step and each picture of a tap takes, ms. */
  stepMs?: number;
}
