/** Reads what a client says in its handshake (RFC 5246 section 7.4). Each reader gives undefined for a malformed message. Pure. */
import { ByteReader } from './byte-reader.ts';

/** Extensions that we read or answer. */
export const EXTENSION = {
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  useSrtp: 14,
  extendedMasterSecret: 23,
  supportedVersions: 43,
  renegotiationInfo: 0xff01,
} as const;

/** Extensions of one hello: browsers send about ten. */
const EXTENSIONS_MAX = 64;

export interface ClientHello {
  version: number;
  /** 32 bytes. */
  random: Buffer;
  cipherSuites: number[];
  compressionMethods: number[];
  extensions: ReadonlyMap<number, Buffer>;
}

export function readClientHello(body: Buffer): ClientHello | undefined {
  const reader = new ByteReader(body);
  const version = reader.uint(2);
  const random = reader.bytes(32);
  // Session id and cookie: we resume no sessions, and ask for no cookie.
  reader.vector(1);
  reader.vector(1);
  const cipherSuites = reader.uints(2, 2);
  const compressionMethods = reader.uints(1, 1);
  const extensions = readExtensions(reader.more ? reader.vector(2) : Buffer.alloc(0));
  if (!reader.whole || extensions === undefined) return undefined;
  return { version, random, cipherSuites, compressionMethods, extensions };
}

/** The extensions of a hello by type, undecoded. */
export function readExtensions(list: Buffer): Map<number, Buffer> | undefined {
  const extensions = new Map<number, Buffer>();
  const reader = new ByteReader(list);
  while (reader.more) {
    const type = reader.uint(2);
    // RFC 5246 section 7.4.1.4: one of each type.
    if (extensions.has(type) || extensions.size >= EXTENSIONS_MAX) return undefined;
    extensions.set(type, reader.vector(2));
  }
  return reader.whole ? extensions : undefined;
}

/** An extension that is one list of numbers of two bytes: undefined when it is absent, empty when it is malformed. */
export function uintsOf({ extensions }: ClientHello, type: number, lengthBytes = 2): number[] | undefined {
  const extension = extensions.get(type);
  if (extension === undefined) return undefined;
  const reader = new ByteReader(extension);
  const values = reader.uints(lengthBytes, 2);
  return reader.whole ? values : [];
}

/** `use_srtp` (RFC 5764 section 4.1.1): protection profiles, and a key identifier that we do not use. */
export function srtpProfilesOf({ extensions }: Pick<ClientHello, 'extensions'>): number[] {
  const reader = new ByteReader(extensions.get(EXTENSION.useSrtp) ?? Buffer.alloc(0));
  const profiles = reader.uints(2, 2);
  reader.vector(1);
  return reader.whole ? profiles : [];
}

/** The client's own certificate, which comes first; empty when it has none. */
export function readCertificate(body: Buffer): Buffer | undefined {
  const reader = new ByteReader(body);
  const list = new ByteReader(reader.vector(3));
  const own = list.more ? list.vector(3) : Buffer.alloc(0);
  return reader.whole && (list.more || list.whole) ? own : undefined;
}

/** The client's ephemeral public key (RFC 8422 section 5.7). */
export function readClientKeyExchange(body: Buffer): Buffer | undefined {
  const reader = new ByteReader(body);
  const point = reader.vector(1);
  return reader.whole ? point : undefined;
}

/** `SignatureAndHashAlgorithm` values that our CertificateRequest offers, preferred first, with the key type each needs. */
export const SIGNATURE_SCHEMES: ReadonlyMap<number, { hash: string; keyType: string }> = new Map([
  [0x0403, { hash: 'sha256', keyType: 'ec' }],
  [0x0401, { hash: 'sha256', keyType: 'rsa' }],
]);
/** A signature and its scheme: CertificateVerify, and the end of ServerKeyExchange. */
export interface Signature {
  /** `SignatureAndHashAlgorithm`. */
  scheme: number;
  bytes: Buffer;
}

export function readSignature(body: Buffer): Signature | undefined {
  const reader = new ByteReader(body);
  const [scheme, bytes] = [reader.uint(2), reader.vector(2)];
  return reader.whole ? { scheme, bytes } : undefined;
}
