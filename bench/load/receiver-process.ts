/**
 * Many viewers in one process: werift peer connections over WHEP that count frames and send the feedback a browser
 * sends. They decode nothing, so that what is measured is the service and not its audience.
 */
import * as werift from 'werift';

export type ReceiverCommand =
  | { type: 'open'; id: number; url: string; query: Record<string, string> }
  | { type: 'close'; id: number };
export type ReceiverReport =
  | { type: 'opened'; id: number; location: string }
  | { type: 'failed'; id: number; why: string }
  | { type: 'closed'; id: number }
  | { type: 'frames'; counts: [id: number, frames: number][] };

const FEEDBACK = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'transport-cc' },
  { type: 'goog-remb' },
];
const EXTENSIONS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
];
const REPORT_MS = 1_000;

interface Receiver {
  pc: werift.RTCPeerConnection;
  location: string;
  frames: number;
}

const receivers = new Map<number, Receiver>();
const report = (message: ReceiverReport): void => void process.send?.(message);

function connection(): werift.RTCPeerConnection {
  const codec = { mimeType: 'video/VP8', clockRate: 90_000, rtcpFeedback: FEEDBACK };
  const pc = new werift.RTCPeerConnection({
    codecs: {
      audio: [],
      video: [
        new werift.RTCRtpCodecParameters(codec),
        new werift.RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 }),
      ],
    },
    headerExtensions: { video: EXTENSIONS.map((uri) => new werift.RTCRtpHeaderExtensionParameters({ uri })) },
    iceServers: [],
    iceUseIpv6: false,
    iceUseTcp: false,
    iceAdditionalHostAddresses: ['127.0.0.1'],
    iceFilterCandidatePair: (pair) => pair.localCandidate.host === '127.0.0.1',
  });
  pc.addTransceiver('video', { direction: 'recvonly' });
  // Without this it would ask a public server for its address.
  for (const { connection: own } of pc.iceTransports) delete own.stunServer;
  return pc;
}

async function open(id: number, url: string, query: Record<string, string>): Promise<void> {
  const pc = connection();
  const receiver: Receiver = { pc, location: '', frames: 0 };
  try {
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch(`${url}/whep?${new URLSearchParams(query).toString()}`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: pc.localDescription?.sdp ?? '',
    });
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`${response.status} ${answer.slice(0, 200)}`);
    receiver.location = new URL(response.headers.get('location') ?? '', url).href;
    pc.onTrack.subscribe((track) => {
      // The marker bit ends a frame (RFC 7741 section 4.1).
      track.onReceiveRtp.subscribe(({ header }) => {
        if (header.marker) receiver.frames += 1;
      });
    });
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    await pc.connectionStateChange.watch((state) => state === 'connected', 15_000);
    receivers.set(id, receiver);
    report({ type: 'opened', id, location: receiver.location });
  } catch (error) {
    await pc.close();
    report({ type: 'failed', id, why: error instanceof Error ? error.message : String(error) });
  }
}

async function close(id: number): Promise<void> {
  const receiver = receivers.get(id);
  receivers.delete(id);
  if (receiver) {
    await fetch(receiver.location, { method: 'DELETE' }).catch(() => {});
    await receiver.pc.close();
  }
  report({ type: 'closed', id });
}

process.on('message', (command: ReceiverCommand) => {
  if (command.type === 'open') void open(command.id, command.url, command.query);
  else void close(command.id);
});
setInterval(() => {
  const counts = [...receivers].map(([id, receiver]): [number, number] => [id, receiver.frames]);
  report({ type: 'frames', counts });
}, REPORT_MS);
