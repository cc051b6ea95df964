/**
 * A prompt may be a list, `a | b | c`: one prompt after the other over the timeline. This file decides which prompt a
 * slice has, and the travel from one to the next: over n slices the k-th is k/n of the way, so the n-th is all the new
 * one. A clip is divided evenly; a live timeline gives every prompt the same length and stays with the last. Pure.
 */
import { GlimpseError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { PromptMix } from '../generator.ts';
import type { Interpolation } from './interpolation.ts';
import { normalizePrompt } from './prompt.ts';

/** A bar without a backslash before it. `\|` is a bar in the text; any other backslash is itself. */
const BAR = /(?<!\\)\|/;

/** Slices per prompt of a list in live mode: four seconds of the embedded model. */
export const LIVE_PROMPT_SLICES = 6;

export interface PromptTrack {
  /** At least one, each normalised. */
  prompts: readonly string[];
  /** The prompt that ran before: the travel to the first prompt starts there. */
  from?: string | undefined;
  /** Place on the track of the revision's slice 0; a revision that keeps the prompts continues there. Default 0. */
  firstSlice?: number;
  /** Slices at the start that still belong to `from` alone; 0 when left out. */
  keptSlices?: number;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Slices of the travel between neighbours; 1 changes from one slice to the next. */
  transitionSlices: number;
  interpolation: Interpolation;
}

/** A prompt, the slice of the revision it starts at (below 0: before it), and the slices of the travel to it. */
export interface PromptStretch {
  prompt: string;
  fromSlice: number;
  travelSlices: number;
}

/**
 * Splits a prompt at its bars and normalises each part.
 * @throws GlimpseError PROMPT_EMPTY (also for an empty part), PROMPT_TOO_LONG for the text as a whole,
 * PROMPT_LIST_TOO_LONG over `LIMITS.promptListMax` parts, or over `maxPrompts`, the slices of a clip.
 * @example parsePrompts('the sea | a city at night') // ['the sea', 'a city at night']
 */
export function parsePrompts(text: string, maxPrompts: number = LIMITS.promptListMax): string[] {
  const parts = normalizePrompt(text).split(BAR);
  const most = Math.min(maxPrompts, LIMITS.promptListMax);
  if (parts.length > most)
    throw new GlimpseError('PROMPT_LIST_TOO_LONG', {
      message: `The list has ${parts.length} prompts; at most ${most} fit. Remove some.`,
      details: { prompts: parts.length, maxPrompts: most },
    });
  return parts.map((part) => normalizePrompt(part.replaceAll('\\|', '|')));
}

/** The inverse of `parsePrompts`: gives one text. */
export const joinPrompts = (prompts: readonly string[]): string =>
  prompts.map((prompt) => prompt.replaceAll('|', '\\|')).join(' | ');

/** Where each prompt begins. Together the stretches cover every slice once. */
export const promptStretches = (track: PromptTrack): PromptStretch[] =>
  stretchesOf(track).map((stretch) => ({ ...stretch, fromSlice: stretch.fromSlice - (track.firstSlice ?? 0) }));

function stretchesOf(track: PromptTrack): PromptStretch[] {
  const { prompts, sliceCount, keptSlices = 0, transitionSlices } = track;
  const length = sliceCount === undefined ? prompts.length * LIVE_PROMPT_SLICES : sliceCount - keptSlices;
  const startOf = (index: number): number => keptSlices + Math.ceil((index * length) / prompts.length);
  return prompts.map((prompt, index) => {
    const before = index === 0 ? track.from : prompts[index - 1];
    const fromSlice = startOf(index);
    const room = index === prompts.length - 1 && sliceCount === undefined ? Infinity : startOf(index + 1) - fromSlice;
    const travelSlices = before === undefined || before === prompt ? 0 : Math.min(transitionSlices, room);
    return { prompt, fromSlice, travelSlices };
  });
}

/** The prompt of a slice, or a mix of two. */
export function promptAt(track: PromptTrack, slice: number): { prompt: string; mix?: PromptMix } {
  const stretches = stretchesOf(track);
  const place = slice + (track.firstSlice ?? 0);
  const index = stretches.findLastIndex(({ fromSlice }) => fromSlice <= place);
  const before = index > 0 ? stretches[index - 1]?.prompt : track.from;
  const { prompt, fromSlice, travelSlices } = stretches[index] ?? {
    prompt: before ?? '',
    fromSlice: 0,
    travelSlices: 0,
  };
  const done = place - fromSlice + 1;
  if (before === undefined || done >= travelSlices) return { prompt };
  return {
    prompt: before,
    mix: { towards: prompt, amount: done / travelSlices, interpolation: track.interpolation },
  };
}

/** The prompt with the larger share, for callers that need one prompt. */
export const heavierPrompt = ({ prompt, mix }: { prompt: string; mix?: PromptMix | undefined }): string =>
  mix !== undefined && mix.amount >= 0.5 ? mix.towards : prompt;
