/**
 * The internals of werift's DTLS server (0.25.2) that we use, as narrow types; some are private in werift. A change
 * upstream affects only this file and `werift-dtls.test.ts`.
 */
import { DtlsServer, SignatureAlgorithm, HashAlgorithm } from 'werift';
import type { DtlsCertificate } from './dtls-certificate.ts';

/** DTLS handshake message types (RFC 5246 section 7.4). */
export const HANDSHAKE = {
  clientHello: 1,
  certificate: 11,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** One handshake message or a fragment of one (RFC 6347 section 4.2.2). */
export interface HandshakeMessage {
  msg_type: number;
  length: number;
  message_seq: number;
  fragment_offset: number;
  fragment_length: number;
  fragment: Buffer;
  serialize(): Buffer;
}

export interface WeriftDtls {
  readonly transport: { send: (datagram: Buffer) => Promise<void>; socket: { onData: (datagram: Buffer) => void } };
  readonly dtls: {
    flight: number;
    /** message_seq of the next handshake message we send. */
    sequenceNumber: number;
    recordSequenceNumber: number;
    readonly lastMessage: readonly Buffer[];
    /** Handshake messages of both sides so far, in order: the transcript that signatures cover. */
    readonly sortedHandshakeCache: readonly HandshakeMessage[];
    readonly cookie?: Buffer;
  };
  readonly cipher: {
    readonly masterSecret?: Buffer;
    readonly remoteCertificate?: Buffer;
    encryptPacket(record: DtlsRecord): DtlsRecord;
    decryptPacket(record: DtlsRecord): Buffer;
  };
  readonly srtp: { readonly srtpProfile?: number };
  handleFragmentHandshake: (fragments: HandshakeMessage[]) => HandshakeMessage[];
  onHandleHandshakes: (messages: HandshakeMessage[]) => Promise<void>;
  readonly onConnect: { subscribe: (listener: () => void) => unknown };
  readonly onData: { subscribe: (listener: (data: Buffer) => void) => unknown };
  readonly onError: { subscribe: (listener: (error: Error) => void) => unknown };
  send: (data: Buffer) => Promise<void>;
  extractSessionKeys(
    keyBytes: number,
    saltBytes: number,
  ): Record<'localKey' | 'localSalt' | 'remoteKey' | 'remoteSalt', Buffer>;
}

export interface DtlsRecord {
  recordLayerHeader: {
    contentType: number;
    protocolVersion: { major: number; minor: number };
    epoch: number;
    sequenceNumber: number;
    contentLen: number;
  };
  fragment: Buffer;
}

/** Creates werift's DTLS server over a function that sends one datagram. */
export function createWeriftDtls(
  certificate: DtlsCertificate,
  srtpProfiles: readonly (1 | 7)[],
  send: (datagram: Buffer) => void,
): WeriftDtls {
  const server = new DtlsServer({
    cert: certificate.certPem,
    key: certificate.keyPem,
    signatureHash: { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    srtpProfiles: [...srtpProfiles],
    extendedMasterSecret: true,
    certificateRequest: true,
    transport: {
      type: 'ice',
      address: { address: '', family: '', port: 0 },
      closed: false,
      onData: () => {},
      send: async (datagram) => send(datagram),
      close: async () => {},
    },
  });
  return server as unknown as WeriftDtls;
}
