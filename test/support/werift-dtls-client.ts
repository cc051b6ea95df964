/** werift's DTLS client over a function that sends: it repeats flights with the same record numbers, each in a datagram. */
import { X509Certificate } from 'node:crypto';
import { DtlsClient, HashAlgorithm, SignatureAlgorithm } from 'werift';
import type { DtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { SRTP_PROFILES, type SrtpProfile } from '../../src/transport/peer/srtp/srtp-keys.ts';

export function createWeriftDtlsClient(
  { der, privateKey }: DtlsCertificate,
  send: (datagram: Buffer) => void,
  profiles: readonly SrtpProfile[] = SRTP_PROFILES,
): DtlsClient {
  return new DtlsClient({
    cert: new X509Certificate(der).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    signatureHash: { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    srtpProfiles: [...profiles],
    extendedMasterSecret: true,
    transport: {
      type: 'udp',
      address: { address: '', family: '', port: 0 },
      closed: false,
      onData: () => {},
      send: async (datagram) => send(datagram),
      close: async () => {},
    },
  });
}
