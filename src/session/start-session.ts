/** Starts a stream and its first viewer: a private session. */
import { randomUUID } from 'node:crypto';
import type { Tier } from '../picture/tiers.ts';
import { Audience } from '../stream/audience.ts';
import { Stream, type StreamDeps } from '../stream/stream.ts';
import { nearestMade } from '../viewer/decide.ts';
import type { ViewerDeps } from '../viewer/deps.ts';
import type { SessionOpening, User } from './contract.ts';
import { ViewerSession } from './session.ts';

/** What all sessions of a service share. */
export interface SessionDeps {
  stream: StreamDeps;
  viewer: ViewerDeps;
}

/**
 * @param usualTier highest tier of a viewer who asks for none
 * @param user default: a user of its own with weight 1
 * @throws GlimpseError as the constructor of `Stream`
 */
export function startSession(opening: SessionOpening, deps: SessionDeps, usualTier: Tier, user?: User): ViewerSession {
  const { media, codec, resumable, tierCap = usualTier } = opening;
  const { tiers: made, slice } = deps.stream.generator.info;
  const asked = nearestMade({ made, asked: tierCap });
  const demand = { shown: true, watched: true, asked, tier: asked, fps: slice.fps };
  const owner = user ?? { id: randomUUID(), weight: 1 };
  const stream = new Stream({ request: opening, media, user: owner, demand }, deps.stream);
  return new ViewerSession(
    { stream, audience: new Audience(stream), wish: { tierCap, codec, resumable } },
    deps.viewer,
  );
}
