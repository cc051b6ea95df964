/** An offer becomes a session, the same way for WebSocket and WHEP: guard first, admit second, parse last. */
import { GlimpseError } from '../src/errors.ts';
import type { Session, SessionRegistry } from '../src/session/contract.ts';
import type { GenerationRequest } from './protocol.ts';
import { checkSdp } from './sdp-guard.ts';

/** @throws GlimpseError SDP_INVALID, SDP_TOO_LARGE */
export function requireSdp(sdp: string): void {
  const verdict = checkSdp(sdp);
  if (!verdict.ok) throw new GlimpseError(verdict.code, { message: verdict.message });
}

export interface Opening {
  registry: SessionRegistry;
  request: GenerationRequest;
  /** Whether the viewer is told how to come back. Default true. */
  resumable?: boolean;
  offerSdp: string;
  /** Runs before the offer is answered, so that no event of the session is missed. */
  onCreated: (session: Session) => void;
}

/**
 * Creates a session and answers its offer; a session whose offer cannot be answered is closed again.
 * @throws GlimpseError from the guard, the registry or the session
 */
export async function openSession(opening: Opening): Promise<{ session: Session; answerSdp: string }> {
  const { registry, request, resumable, offerSdp, onCreated } = opening;
  requireSdp(offerSdp);
  const session = await registry.create(resumable === undefined ? request : { ...request, resumable });
  try {
    onCreated(session);
    return { session, answerSdp: await session.answer(offerSdp) };
  } catch (error) {
    await session.close('the offer could not be answered');
    throw error;
  }
}
