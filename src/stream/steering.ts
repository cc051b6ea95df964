/**
 * Decides what happens to the slice under the playhead after a steering message. `kept`: it stays unchanged. `bent`: it
 * is made again from its own latents, partly re-noised, and plays on from the frame on screen. `dropped`: its computing
 * ends, and a new picture starts from noise. The reply names the outcome. Pure.
 */
import { GlimpseError } from '../errors.ts';
import type { Interpolation } from '../generation/prompt/interpolation.ts';
import type { Change, Running, StreamMode, Transition } from './contract.ts';

/** The parameters of one steering message; undefined: not given. */
export interface Steering extends Change {
  prompt?: string | undefined;
}

/** The state that the message finds. */
export interface SteeredState {
  mode: StreamMode;
  prompt: string;
  seed: number;
  guidance: number | undefined;
  /** The running slice has latents, so it can be bent. */
  bendable: boolean;
}

export interface SteeringDecision {
  running: Running;
  /** False: the message changes no picture, and the revision goes on. */
  newRevision: boolean;
  /** The new pictures continue from the one on screen, even where that one cannot be bent. */
  continues: boolean;
  /** Noise level to which the running slice is raised; 0 unless it is bent. */
  strength: number;
  transitionSlices: number;
  interpolation: Interpolation;
}

/** The decision for a session's start and for every cut. */
export const FROM_NOISE: SteeringDecision = {
  running: 'dropped',
  newRevision: true,
  continues: false,
  strength: 0,
  transitionSlices: 1,
  interpolation: 'linear',
};

/**
 * Measured on bends of the shipped model: at 0.6 the composition stays and the first draft is already close; from 0.8
 * on the first picture after the steering differs by half as much again.
 */
export const BEND_STRENGTH = 0.6;

/** @throws GlimpseError PARAMETER_INVALID for a cut with a strength, or a bend of a clip that has no effect */
export function decideSteering(steering: Steering, state: SteeredState): SteeringDecision {
  const { interpolation = 'linear', transitionSlices = 1, strength = BEND_STRENGTH } = steering;
  const decision = { ...FROM_NOISE, interpolation, transitionSlices };
  const unchanged: SteeringDecision = { ...decision, running: 'kept', newRevision: false, continues: true };
  const named = [steering.prompt, steering.seed, steering.guidance, steering.strength];
  if (named.every((value) => value === undefined)) return unchanged;
  if (transitionOf(steering) === 'cut') return decision;
  if (!changes(steering, state)) return unchanged;
  // Without latents the new revision starts from noise, after the picture on screen if the generator supports that.
  if (!state.bendable) return { ...decision, continues: true };
  if (strength === 0 && state.mode === 'clip')
    throw invalid('strength', 'A clip is bent as a whole: its strength must be over 0.');
  return { ...decision, running: strength === 0 ? 'kept' : 'bent', continues: true, strength };
}

/** A new prompt or seed is a cut, any other change continues from the picture, unless the message says which. */
function transitionOf({ prompt, seed, strength, transition, transitionSlices }: Steering): Transition {
  if (transition === 'cut' && strength !== undefined) throw invalid('strength', 'A cut bends nothing.');
  if (transition !== undefined) return transition;
  if (transitionSlices !== undefined || strength !== undefined) return 'continue';
  return prompt !== undefined || seed !== undefined ? 'cut' : 'continue';
}

const changes = ({ prompt, seed, guidance, strength }: Steering, state: SteeredState): boolean =>
  (prompt ?? state.prompt) !== state.prompt ||
  (seed ?? state.seed) !== state.seed ||
  (guidance ?? state.guidance) !== state.guidance ||
  strength !== undefined;

const invalid = (parameter: string, message: string): GlimpseError =>
  new GlimpseError('PARAMETER_INVALID', { message, details: { parameter } });
