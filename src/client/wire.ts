/**
 * The wire types that the SDK package ships. `scripts/build-client.ts` inlines this file's declarations, so that type
 * checking against the SDK requires neither zod nor the service.
 */
import type { InputBody } from '../../signaling/http/api-bodies.ts';
import type { ClientMessage, GenerationRequest, PROTOCOL_VERSION, ServerMessage } from '../../signaling/protocol.ts';
import type { ErrorCode } from '../errors.ts';

export type { ClientMessage, ErrorCode, GenerationRequest, InputBody, ServerMessage };
export type ProtocolVersion = typeof PROTOCOL_VERSION;
