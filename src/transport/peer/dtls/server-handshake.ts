/**
 * The server's side of a full DTLS 1.2 handshake with a client certificate (RFC 5246 section 7.3, RFC 6347 section
 * 4.2) as one function: a state and the client's next message give the next state and our flight. There is no other
 * order, no resumption, no renegotiation, no HelloVerifyRequest (STUN has verified the address, section 4.2.1). It
 * holds nothing and sends nothing; only fresh keys, our random and our signature differ from run to run.
 */
import { randomBytes, sign, timingSafeEqual } from 'node:crypto';
import { assertNever } from '../../../errors.ts';
import type { Fingerprint } from '../sdp/fingerprint.ts';
import { SRTP_PROFILES, type SrtpProfile } from '../srtp/srtp-keys.ts';
import * as client from './client-messages.ts';
import { provesPossession } from './client-proof.ts';
import { matchesFingerprint, type DtlsCertificate } from './dtls-certificate.ts';
import { masterSecretOf, verifyData, type Randoms } from './key-schedule.ts';
import { createKeyShare, GROUP, GROUPS, sharedSecret, type KeyShare } from './key-share.ts';
import type { MessageSlot } from './message-assembler.ts';
import { ALERT, bodyOf, CONTENT, DTLS_1_2, HANDSHAKE, writeMessage } from './records.ts';
import * as server from './server-messages.ts';

/** Every message of the client, by `message_seq`, with the largest size we accept. */
export const CLIENT_MESSAGES: readonly MessageSlot[] = [
  // Browsers with post-quantum key shares send 1.4 kB.
  { type: HANDSHAKE.clientHello, epoch: 0, maxBytes: 8 * 1024 },
  // Enough for a chain.
  { type: HANDSHAKE.certificate, epoch: 0, maxBytes: 16 * 1024 },
  { type: HANDSHAKE.clientKeyExchange, epoch: 0, maxBytes: 256 },
  // An RSA signature of 4,096 bits is 512 bytes.
  { type: HANDSHAKE.certificateVerify, epoch: 0, maxBytes: 1024 },
  { type: HANDSHAKE.finished, epoch: 1, maxBytes: 12 },
];

/** What does not change during a handshake. */
export interface HandshakeContext {
  certificate: DtlsCertificate;
  /** The client's certificate must match one of these. */
  fingerprints: readonly Fingerprint[];
}

/** What the hellos agreed on. */
interface Agreement {
  randoms: Randoms;
  share: KeyShare;
  srtpProfile: SrtpProfile;
  /** Messages of both sides so far. */
  transcript: readonly Buffer[];
}

export type HandshakeState =
  | { expects: 'clientHello' }
  | (Agreement & { expects: 'certificate' })
  | (Agreement & { expects: 'clientKeyExchange'; clientCertificate: Buffer })
  | (Agreement & { expects: 'certificateVerify'; clientCertificate: Buffer; masterSecret: Buffer })
  | (Agreement & { expects: 'finished'; masterSecret: Buffer })
  | (Pick<Agreement, 'randoms' | 'srtpProfile'> & { expects: 'nothing'; masterSecret: Buffer });

/** One record of a flight. */
export interface FlightRecord {
  type: number;
  epoch: 0 | 1;
  body: Buffer;
}

export interface Refusal {
  /** Description for the alert. */
  alert: number;
  why: string;
}

export type Step = { state: HandshakeState; flight?: readonly FlightRecord[] } | Refusal;

/** @param message the whole next message of `CLIENT_MESSAGES`, with its header */
export function step(state: HandshakeState, message: Buffer, context: HandshakeContext): Step {
  switch (state.expects) {
    case 'clientHello':
      return answerHello(message, context);
    case 'certificate': {
      const certificate = client.readCertificate(bodyOf(message));
      if (certificate === undefined) return refuse(ALERT.decodeError, 'the Certificate is malformed');
      if (certificate.length === 0) return refuse(ALERT.handshakeFailure, 'the client showed no certificate');
      if (!matchesFingerprint(certificate, context.fingerprints)) {
        return refuse(ALERT.badCertificate, 'the certificate does not match the fingerprint');
      }
      return { state: { ...after(state, message), expects: 'clientKeyExchange', clientCertificate: certificate } };
    }
    case 'clientKeyExchange': {
      const point = client.readClientKeyExchange(bodyOf(message));
      const secret = point === undefined ? undefined : sharedSecret(state.share, point);
      if (secret === undefined) return refuse(ALERT.decodeError, 'the ClientKeyExchange is not a point of the curve');
      const next = after(state, message);
      return {
        state: { ...next, expects: 'certificateVerify', masterSecret: masterSecretOf(secret, next.transcript) },
      };
    }
    case 'certificateVerify': {
      const signature = client.readSignature(bodyOf(message));
      if (signature === undefined || !provesPossession(signature, state.transcript, state.clientCertificate)) {
        return refuse(ALERT.decryptError, 'CertificateVerify does not match the certificate');
      }
      return { state: { ...after(state, message), expects: 'finished' } };
    }
    case 'finished':
      return finish(state, message);
    case 'nothing':
      return { state };
    default:
      return assertNever(state);
  }
}

function refuse(alert: number, why: string): Refusal {
  return { alert, why };
}

function after<State extends Agreement>(state: State, message: Buffer): State {
  return { ...state, transcript: [...state.transcript, message] };
}

function answerHello(message: Buffer, { certificate }: HandshakeContext): Step {
  const hello = client.readClientHello(bodyOf(message));
  if (hello === undefined) return refuse(ALERT.decodeError, 'the ClientHello is malformed');
  const agreed = agree(hello);
  if ('alert' in agreed) return agreed;
  const randoms = { client: hello.random, server: randomBytes(32) };
  const share = createKeyShare(agreed.group);
  const parameters = server.keyParameters(share);
  const signed = sign('sha256', Buffer.concat([randoms.client, randoms.server, parameters]), certificate.privateKey);
  const bodies: readonly [type: number, body: Buffer][] = [
    [HANDSHAKE.serverHello, server.serverHello(hello, randoms.server, agreed.srtpProfile)],
    [HANDSHAKE.certificate, server.certificate(certificate.der)],
    [HANDSHAKE.serverKeyExchange, server.serverKeyExchange(parameters, signed)],
    [HANDSHAKE.certificateRequest, server.certificateRequest()],
    [HANDSHAKE.serverHelloDone, Buffer.alloc(0)],
  ];
  const messages = bodies.map(([type, body], sequence) => writeMessage(type, sequence, body));
  return {
    state: {
      expects: 'certificate',
      randoms,
      share,
      srtpProfile: agreed.srtpProfile,
      transcript: [message, ...messages],
    },
    flight: messages.map((body) => ({ type: CONTENT.handshake, epoch: 0, body })),
  };
}

/** DTLS version numbers count down. Extended master secret is required: RFC 7627 section 5.3 allows to insist. */
function agree(hello: client.ClientHello): { group: (typeof GROUPS)[number]; srtpProfile: SrtpProfile } | Refusal {
  const versions = client.uintsOf(hello, client.EXTENSION.supportedVersions, 1) ?? [DTLS_1_2];
  if (hello.version >> 8 !== DTLS_1_2 >> 8 || hello.version > DTLS_1_2 || !versions.includes(DTLS_1_2)) {
    return refuse(ALERT.protocolVersion, 'the client does not speak DTLS 1.2');
  }
  const schemes = client.uintsOf(hello, client.EXTENSION.signatureAlgorithms) ?? [];
  // RFC 8422 section 4 leaves the choice to us when the client names no groups.
  const groups = client.uintsOf(hello, client.EXTENSION.supportedGroups) ?? [GROUP.p256];
  const group = GROUPS.find((known) => groups.includes(known));
  const offered = client.srtpProfilesOf(hello);
  const srtpProfile = SRTP_PROFILES.find((known) => offered.includes(known));
  const { cipherSuites, compressionMethods, extensions } = hello;
  const agreed =
    cipherSuites.includes(server.CIPHER_SUITE) && compressionMethods.includes(0) && schemes.includes(server.OWN_SCHEME);
  if (!agreed || group === undefined || srtpProfile === undefined) {
    return refuse(ALERT.handshakeFailure, 'no cipher suite, curve or SRTP profile in common');
  }
  // RFC 5746 section 3.6: a first hello renegotiates nothing.
  const renegotiates = (extensions.get(client.EXTENSION.renegotiationInfo)?.length ?? 1) !== 1;
  if (renegotiates || !extensions.has(client.EXTENSION.extendedMasterSecret)) {
    return refuse(ALERT.handshakeFailure, 'the client lacks extended master secret, or renegotiates');
  }
  return { group, srtpProfile };
}

function finish(state: HandshakeState & { expects: 'finished' }, message: Buffer): Step {
  const { masterSecret, transcript, randoms, srtpProfile } = state;
  const body = bodyOf(message);
  const expected = verifyData('client', masterSecret, transcript);
  if (body.length !== expected.length || !timingSafeEqual(body, expected)) {
    return refuse(ALERT.decryptError, 'Finished does not match the handshake');
  }
  const ours = verifyData('server', masterSecret, [...transcript, message]);
  const sequence = 5;
  return {
    state: { expects: 'nothing', randoms, srtpProfile, masterSecret },
    flight: [
      { type: CONTENT.changeCipherSpec, epoch: 0, body: Buffer.of(1) },
      { type: CONTENT.handshake, epoch: 1, body: writeMessage(HANDSHAKE.finished, sequence, ours) },
    ],
  };
}
