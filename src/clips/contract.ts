/** Finished clips as files for the web: requested once, made when the generator is otherwise idle, kept for a while. */
import type { Tier } from '../picture/tiers.ts';

export interface ClipRequest {
  /** One prompt, or a list (`a | b | c`). */
  prompt: string;
  seed?: number | undefined;
  guidance?: number | undefined;
  seconds: number;
  tier?: Tier | undefined;
  /** Limits drift over many slices; for generators whose `info.options` names it. */
  adain?: boolean | undefined;
}

export type ClipState = 'queued' | 'making' | 'ready' | 'failed';

export interface ClipStatus {
  /** 128 random bits: knowing the id is enough to fetch the clip. */
  id: string;
  state: ClipState;
  /** Share that is finished, in [0, 1]. */
  progress: number;
  /** Clips ahead of it in the queue. */
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
   * @param user who requests it: at most `clipsPerUserMax` of a user's clips may be unfinished
   * @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PARAMETER_INVALID, RATE_LIMITED when too
   *   many wait, SERVER_CLOSING
   */
  create(request: ClipRequest, user: string): ClipStatus;
  /** @throws GlimpseError NOT_FOUND */
  status(id: string): ClipStatus;
  /**
   * @param name `clip.mp4`, `index.m3u8` or a segment that the playlist names
   * @throws GlimpseError NOT_FOUND, CLIP_NOT_READY
   */
  file(id: string, name: string): Promise<ClipFile>;
  /** Deletes it, or stops making it. @throws GlimpseError NOT_FOUND */
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}
