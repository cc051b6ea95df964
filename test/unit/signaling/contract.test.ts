/** The session's types and the wire's schemas are written twice, on purpose; the compiler keeps them the same here. */
import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  AcceptedMessage,
  ControlMessage,
  GenerationRequest,
  ServerMessage,
  SessionStats as WireStats,
  iceCandidate,
} from '../../../signaling/protocol.ts';
import type { Control, SessionEvents, SessionRequest, SessionStats } from '../../../src/session/contract.ts';
import type { Accepted } from '../../../src/session/contract.ts';
import type { IceCandidate } from '../../../src/transport/peer/contract.ts';

type Of<Type extends ServerMessage['type']> = Omit<Extract<ServerMessage, { type: Type }>, 'type'>;
type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

describe('the session contract and the wire', () => {
  it('agree on stats, field by field', () => {
    expectTypeOf<SessionStats>().toEqualTypeOf<WireStats>();
  });

  it('agree on requests, candidates and controls', () => {
    expectTypeOf<SessionRequest>().toEqualTypeOf<GenerationRequest>();
    expectTypeOf<IceCandidate>().toEqualTypeOf<z.infer<typeof iceCandidate>>();
    expectTypeOf<Without<Control, never>>().toEqualTypeOf<Without<ControlMessage, 'id'>>();
  });

  it('agree on events and answers', () => {
    expectTypeOf<SessionEvents['tier'][0]>().toEqualTypeOf<Of<'tier'>>();
    expectTypeOf<SessionEvents['queue'][0]>().toEqualTypeOf<Of<'queue'>>();
    expectTypeOf<SessionEvents['progress'][0]>().toEqualTypeOf<Of<'progress'>>();
    expectTypeOf<SessionEvents['playing'][0]>().toEqualTypeOf<Of<'playing'>>();
    expectTypeOf<Accepted>().toExtend<Omit<AcceptedMessage, 'type'>>();
  });
});
