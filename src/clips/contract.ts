/** Finished clips as files for the web at large: asked for once, made when nobody needs the generator, kept for a while. */
import type { Tier } from '../picture/tiers.ts';

export interface ClipRequest {
  /** One prompt, or a list (`a | b | c`). */
  prompt: string;
  seed?: number | undefined;
  guidance?: number | undefined;
  seconds: number;
  tier?: Tier | undefined;
  /** Against drift over many slices; for generators whose `info.options` names it. */
  adain?: boolean | undefined;
}

export type ClipState = 'queued' | 'making' | 'ready' | 'failed';

export interface ClipStatus {
  /** 128 random bits: who knows it may fetch the clip. */
  id: string;
  state: ClipState;
  /** Share that is made, in [0, 1]. */
  progress: number;
  /** Clips before it in the queue. */
  queuePosition: number;
  seed: number;
  durationMs: number;
  /** Set when it has failed. */
  error?: { code: string; message: string; retryable: boolean };
}

/** One file of a clip, whole and immutable. */
export interface ClipFile {
  path: string;
  bytes: number;
  /** Strong entity tag, with its quotes. */
  etag: string;
  contentType: string;
}

export interface ClipLibrary {
  /**
   * Queues a clip.
   * @param user for whom: nobody has more than `clipsPerUserMax` waiting
   * @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PARAMETER_INVALID, RATE_LIMITED when too
   * many wait, SERVER_CLOSING
   */
  create(request: ClipRequest, user: string): ClipStatus;
  /** @throws GlimpseError NOT_FOUND */
  status(id: string): ClipStatus;
  /**
   * @param name `clip.mp4`, `index.m3u8` or a segment that the playlist names
   * @throws GlimpseError NOT_FOUND, CLIP_NOT_READY
   */
  file(id: string, name: string): Promise<ClipFile>;
  /** Removes it, or stops its making. @throws GlimpseError NOT_FOUND */
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}
