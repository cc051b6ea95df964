/**
 * The wire's types as the SDK's package ships them. `scripts/build-client.ts` writes this file's declarations out in full, so
 * that a user of the SDK needs neither zod nor the service to check their types.
 */
import type { InputBody } from '../../signaling/http/api-bodies.ts';
import type { ClientMessage, GenerationRequest, PROTOCOL_VERSION, ServerMessage } from '../../signaling/protocol.ts';
import type { ErrorCode } from '../errors.ts';

export type { ClientMessage, ErrorCode, GenerationRequest, InputBody, ServerMessage };
export type ProtocolVersion = typeof PROTOCOL_VERSION;
