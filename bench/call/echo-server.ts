/** The peer of the call bench: libwebrtc (@roamhq/wrtc) sends each track back as it came, decoded and encoded again. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import wrtc from '@roamhq/wrtc';

/**
 * Serves an empty page, and `POST /echo` with an offer, on a free loopback port.
 * @returns its URL; it serves until its process is ended
 */
export async function startEchoServer(): Promise<string> {
  // Held, so that none is collected while it is in use.
  const peers = new Set<RTCPeerConnection>();
  const answer = async (sdp: string): Promise<string> => {
    const peer = new wrtc.RTCPeerConnection();
    peers.add(peer);
    peer.addEventListener('track', ({ track, transceiver }) => {
      transceiver.direction = 'sendrecv';
      void transceiver.sender.replaceTrack(track);
    });
    await peer.setRemoteDescription({ type: 'offer', sdp });
    await peer.setLocalDescription(await peer.createAnswer());
    await gathered(peer);
    return peer.localDescription?.sdp ?? '';
  };
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>bench</title>');
      return;
    }
    text(request)
      .then(answer)
      .then((sdp) => response.writeHead(201, { 'content-type': 'application/sdp' }).end(sdp))
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function gathered(peer: RTCPeerConnection): Promise<void> {
  while (peer.iceGatheringState !== 'complete')
    await new Promise((resolve) => peer.addEventListener('icegatheringstatechange', resolve, { once: true }));
}
