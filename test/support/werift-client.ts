/** A WebRTC viewer without a browser: werift's peer connection, receiving one video and holding one data channel. */
import type * as werift from 'werift';
import type { Peer } from '../../src/transport/peer/contract.ts';
import { receivingConnection } from '../../bench/support/wire/werift-connection.ts';

export interface WeriftClient {
  readonly pc: werift.RTCPeerConnection;
  readonly channel: werift.RTCDataChannel;
  /** RTP packets in the clear, as they arrived. */
  readonly received: werift.RtpPacket[];
  /** Exchanges offer and answer with a peer, or with what has one; resolves when both sides are connected. */
  connect(peer: Pick<Peer, 'answer'> & Partial<Pick<Peer, 'events'>>): Promise<void>;
  /** Sends a raw datagram from the very address and port the connection uses. */
  sendRaw(datagram: Buffer): Promise<void>;
  close(): Promise<void>;
}

export function createWeriftClient({ codec }: { codec?: 'VP8' | 'H264' } = {}): WeriftClient {
  const pc = receivingConnection(codec);
  const channel = pc.createDataChannel('control');
  const received: werift.RtpPacket[] = [];
  const connection = () => pc.iceTransports[0]!.connection;
  return {
    pc,
    channel,
    received,
    async connect(peer) {
      const connected = Promise.all([
        pc.connectionStateChange.watch((state) => state === 'connected'),
        new Promise<void>((resolve, reject) => {
          if (!peer.events) resolve();
          peer.events?.on('state', (state, reason) => {
            if (state === 'connected') resolve();
            else if (state === 'closed') reject(new Error(reason));
          });
        }),
      ]);
      connected.catch(() => {});
      await pc.setLocalDescription(await pc.createOffer());
      await pc.setRemoteDescription({ type: 'answer', sdp: await peer.answer(pc.localDescription!.sdp) });
      await connected;
      pc.dtlsTransports[0]!.onRtp.subscribe((packet) => received.push(packet));
    },
    async sendRaw(datagram) {
      const { protocol, remoteAddr } = connection().nominated!;
      await (protocol as werift.StunProtocol).transport.send(datagram, remoteAddr);
    },
    async close() {
      await pc.close();
    },
  };
}

/** Resolves as soon as `condition` holds; a test that waits in vain runs into its own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
