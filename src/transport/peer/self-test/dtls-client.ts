/**
 * The client's side of the one handshake that our DTLS server knows, on the server's own wire code; independent clients
 * (OpenSSL, browsers, werift) have tests of their own. It has no timers: its owner repeats a flight by `resend`.
 */
import { randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { SRTP_PROFILES, type SrtpMasterKeys, type SrtpProfile } from '../srtp/srtp-keys.ts';
import { ByteReader, uint, vector } from '../dtls/byte-reader.ts';
import { EXTENSION, readCertificate, readExtensions, readSignature, srtpProfilesOf } from '../dtls/client-messages.ts';
import type { DtlsCertificate } from '../dtls/dtls-certificate.ts';
import { masterSecretOf, recordKeys, srtpMasterKeys, verifyData, type Randoms } from '../dtls/key-schedule.ts';
import { createKeyShare, GROUPS, sharedSecret, type Group } from '../dtls/key-share.ts';
import { MessageAssembler, type MessageSlot } from '../dtls/message-assembler.ts';
import { RecordLayer } from '../dtls/record-layer.ts';
import { bodyOf, CONTENT, DTLS_1_2, HANDSHAKE, readFragments, readRecords, writeMessage } from '../dtls/records.ts';
import type { FlightRecord } from '../dtls/server-handshake.ts';
import { certificate, CIPHER_SUITE, keyParameters, OWN_SCHEME } from '../dtls/server-messages.ts';

const SERVER_MESSAGES: readonly MessageSlot[] = [
  { type: HANDSHAKE.serverHello, epoch: 0, maxBytes: 1024 },
  { type: HANDSHAKE.certificate, epoch: 0, maxBytes: 1024 },
  { type: HANDSHAKE.serverKeyExchange, epoch: 0, maxBytes: 512 },
  { type: HANDSHAKE.certificateRequest, epoch: 0, maxBytes: 512 },
  { type: HANDSHAKE.serverHelloDone, epoch: 0, maxBytes: 0 },
  { type: HANDSHAKE.finished, epoch: 1, maxBytes: 12 },
];

export interface DtlsClientOptions {
  /** What the client presents; a foreign `privateKey` makes it an impostor. */
  certificate: DtlsCertificate;
  send: (datagram: Buffer) => void;
  onConnected?: (keys: SrtpMasterKeys) => void;
  onData?: (data: Buffer) => void;
  /** Default: X25519 and P-256. */
  groups?: readonly Group[];
  /** Default: all that the server knows. */
  profiles?: readonly SrtpProfile[];
}

export class DtlsClient {
  readonly #options: DtlsClientOptions;
  readonly #records = new RecordLayer();
  readonly #messages = new MessageAssembler(SERVER_MESSAGES);
  readonly #random = randomBytes(32);
  /** Messages of both sides so far. */
  readonly #transcript: Buffer[] = [];
  #flight: readonly FlightRecord[] = [];
  #randoms: Randoms | undefined;
  #masterSecret: Buffer = Buffer.alloc(0);
  #connected = false;

  constructor(options: DtlsClientOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Sends ClientHello. */
  start(): void {
    const hello = writeMessage(HANDSHAKE.clientHello, 0, this.#hello());
    this.#transcript.push(hello);
    this.#flight = [{ type: CONTENT.handshake, epoch: 0, body: hello }];
    this.resend();
  }

  /** Sends the last flight again, a datagram a record. */
  resend(): void {
    for (const { type, epoch, body } of this.#flight) this.#options.send(this.#records.write(type, epoch, body));
  }

  /** Sends application data. */
  send(data: Buffer): void {
    this.#options.send(this.#records.write(CONTENT.applicationData, 1, data));
  }

  /** Sends an alert of RFC 5246 section 7.2, under our keys. */
  sendAlert(level: number, description: number): void {
    this.#options.send(this.#records.write(CONTENT.alert, 1, Buffer.of(level, description)));
  }

  receive(datagram: Buffer): void {
    for (const record of readRecords(datagram)) {
      const plain = record.epoch === 0 ? record.body : this.#records.open(record);
      if (plain === undefined) continue;
      if (record.type === CONTENT.handshake) this.#receiveHandshake(plain, record.epoch);
      else if (record.type === CONTENT.applicationData && this.#connected) this.#options.onData?.(plain);
    }
  }

  #receiveHandshake(body: Buffer, epoch: number): void {
    for (const fragment of readFragments(body)) {
      for (const message of this.#messages.take(fragment, epoch)) {
        if (fragment.type === HANDSHAKE.finished) this.#finish(message);
        this.#transcript.push(message);
        if (this.#messages.next === SERVER_MESSAGES.length - 1 && this.#transcript.length === SERVER_MESSAGES.length)
          this.#answer();
      }
    }
  }

  #hello(): Buffer {
    const { groups = GROUPS, profiles = SRTP_PROFILES } = this.#options;
    const extensions: readonly [type: number, value: Buffer][] = [
      [EXTENSION.extendedMasterSecret, Buffer.alloc(0)],
      [EXTENSION.renegotiationInfo, vector(1)],
      [EXTENSION.supportedGroups, vector(2, uint(2, ...groups))],
      [EXTENSION.signatureAlgorithms, vector(2, uint(2, OWN_SCHEME))],
      [EXTENSION.useSrtp, Buffer.concat([vector(2, uint(2, ...profiles)), vector(1)])],
    ];
    return Buffer.concat([
      uint(2, DTLS_1_2),
      this.#random,
      vector(1),
      vector(1),
      vector(2, uint(2, CIPHER_SUITE)),
      vector(1, Buffer.of(0)),
      vector(2, ...extensions.flatMap(([type, value]) => [uint(2, type), vector(2, value)])),
    ]);
  }

  /** The server's whole flight is there: checks it, and answers with certificate, key exchange and their proofs. */
  #answer(): void {
    const [, hello, serverCertificate, keyExchange] = this.#transcript.map(bodyOf) as [Buffer, Buffer, Buffer, Buffer];
    this.#randoms = { client: this.#random, server: hello.subarray(2, 34) };
    const exchange = new ByteReader(keyExchange);
    exchange.uint(1);
    const [group, publicBytes] = [exchange.uint(2) as Group, exchange.vector(1)];
    const parameters = keyParameters({ group, publicBytes });
    const signed = Buffer.concat([this.#randoms.client, this.#randoms.server, parameters]);
    const { publicKey } = new X509Certificate(readCertificate(serverCertificate)!);
    const signature = readSignature(keyExchange.subarray(parameters.length));
    const share = createKeyShare(group);
    const secret = sharedSecret(share, publicBytes);
    if (!signature || !secret || !verify('sha256', signed, publicKey, signature.bytes)) return;

    const { certificate: own } = this.#options;
    this.#add(1, HANDSHAKE.certificate, certificate(own.der));
    this.#add(2, HANDSHAKE.clientKeyExchange, vector(1, share.publicBytes));
    this.#masterSecret = masterSecretOf(secret, this.#transcript);
    const proof = sign('sha256', Buffer.concat(this.#transcript), own.privateKey);
    this.#add(3, HANDSHAKE.certificateVerify, Buffer.concat([uint(2, OWN_SCHEME), vector(2, proof)]));
    this.#add(4, HANDSHAKE.finished, verifyData('client', this.#masterSecret, this.#transcript));
    const keys = recordKeys(this.#masterSecret, this.#randoms);
    this.#records.setKeys(keys.client, keys.server);
    const [finished, ...rest] = this.#transcript.slice(-4).toReversed() as [Buffer, ...Buffer[]];
    this.#flight = [
      ...rest.toReversed().map((body) => ({ type: CONTENT.handshake, epoch: 0, body }) as const),
      { type: CONTENT.changeCipherSpec, epoch: 0, body: Buffer.of(1) },
      { type: CONTENT.handshake, epoch: 1, body: finished },
    ];
    this.resend();
  }

  get #profile(): SrtpProfile {
    const hello = new ByteReader(bodyOf(this.#transcript[1]!));
    hello.bytes(34);
    hello.vector(1);
    hello.bytes(3);
    return srtpProfilesOf({ extensions: readExtensions(hello.vector(2))! })[0] as SrtpProfile;
  }

  #add(sequence: number, type: number, body: Buffer): void {
    this.#transcript.push(writeMessage(type, sequence, body));
  }

  #finish(message: Buffer): void {
    if (!bodyOf(message).equals(verifyData('server', this.#masterSecret, this.#transcript))) return;
    this.#connected = true;
    const profile = this.#profile;
    const { client, server } = srtpMasterKeys(this.#masterSecret, this.#randoms!, profile);
    this.#options.onConnected?.({
      profile,
      localKey: client.key,
      localSalt: client.salt,
      remoteKey: server.key,
      remoteSalt: server.salt,
    });
  }
}
