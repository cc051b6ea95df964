/** A viewer that decodes nothing: werift over WHEP, counting frames, with the feedback a browser sends. */
import type * as werift from 'werift';
import { receivingConnection } from './werift-connection.ts';

export interface LoadReceiver {
  /** The WHEP resource. */
  readonly location: string;
  /** Frames that have arrived whole, by their marker bit (RFC 7741 section 4.1). */
  readonly frames: number;
  /** Still by the peer connection it began with. */
  readonly connected: boolean;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * @param onPacket every RTP packet of the video, as it arrives
 * @throws Error when the service refuses or no connection comes up
 */
export async function openReceiver(
  url: string,
  query: Record<string, string>,
  onPacket: (packet: werift.RtpPacket) => void = () => {},
): Promise<LoadReceiver> {
  const pc = receivingConnection();
  let frames = 0;
  try {
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch(`${url}/whep?${new URLSearchParams(query).toString()}`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: pc.localDescription?.sdp ?? '',
    });
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`${response.status} ${answer.slice(0, 200)}`);
    const location = new URL(response.headers.get('location') ?? '', url).href;
    pc.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => {
        if (packet.header.marker) frames += 1;
        onPacket(packet);
      });
    });
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    await pc.connectionStateChange.watch((state) => state === 'connected', CONNECT_TIMEOUT_MS);
    return {
      location,
      get frames() {
        return frames;
      },
      get connected() {
        return pc.connectionState === 'connected';
      },
      async close() {
        await fetch(location, { method: 'DELETE' }).catch(() => {});
        await pc.close();
      },
    };
  } catch (error) {
    await pc.close();
    throw error;
  }
}
