/** Every parser that reads what a stranger sends, as something to throw bytes at; and those of `source-targets.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientAddresses } from '../../signaling/access/addresses.ts';
import { bearerToken, upgradeToken } from '../../signaling/access/credentials.ts';
import { originAllowed } from '../../signaling/access/origins.ts';
import { TokenVerifier } from '../../signaling/access/tokens.ts';
import { entityTagMatches, readRange } from '../../signaling/http/clips.ts';
import { findId, readMessage } from '../../signaling/socket/message-reader.ts';
import { clientMessage, controlMessage } from '../../signaling/protocol.ts';
import { parseFragment, restartOffer } from '../../signaling/whep/sdp-fragment.ts';
import { readWhepQuery } from '../../signaling/whep/whep-query.ts';
import { parseTwcc } from '../../src/congestion/feedback/twcc.ts';
import { GlimpseError } from '../../src/errors.ts';
import { checkCandidate } from '../../src/transport/peer/sdp/candidate.ts';
import { negotiate } from '../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../src/transport/peer/sdp/offer.ts';
import {
  hasIntegrity,
  isStun,
  readBindingRequest,
  readBindingSuccess,
  writeBindingRequest,
  writeBindingSuccess,
} from '../../src/transport/peer/ice/stun.ts';
import { FRAME_MAX_BYTES, frameHead, TcpFrames } from '../../src/transport/peer/ice/tcp-frames.ts';
import { parseRtcp } from '../../src/transport/rtcp/rtcp.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { AUDIENCE, SECRET, hs256 } from '../support/tokens.ts';
import { dtlsTargets } from './dtls-targets.ts';
import { FeedbackStorm } from './feedback-storm.ts';
import { clusterTargets } from './cluster-targets.ts';
import { http2Targets } from './http2-targets.ts';
import { mediaTargets } from './media-targets.ts';
import { receiveTargets } from './receive-targets.ts';
import { rtcpTarget } from './rtcp-target.ts';
import { sctpTarget } from './sctp-target.ts';
import { sourceTargets } from './source-targets.ts';
import { SDP_REPEATS } from './sdp-repeats.ts';
import { refusing, texts, type FuzzTarget } from './target.ts';

const chromiumOffer = readFileSync(join(import.meta.dirname, '../../bench/support/wire/chromium-offer.sdp'));
const CHECK = { transactionId: Buffer.alloc(12, 7), username: 'a:b', password: 'secret', useCandidate: true };

export async function fuzzTargets(): Promise<FuzzTarget[]> {
  const verifier = await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE });
  const storm = new FeedbackStorm(1);
  const addresses = new ClientAddresses('10.0.0.0/8');
  const token = await hs256({ sub: 'anna', limits: { sessions: 1 } }, { expiresIn: 3_600 });
  return [
    {
      name: 'offer',
      seeds: [chromiumOffer, ...texts(offerSdp())],
      run: (input) => refusing(() => negotiate(readOffer(input.toString()), ['VP8', 'H264'])),
    },
    {
      // Mutated a little, since an offer that is mutated much is refused in its first lines.
      name: 'sdp-repeats',
      seeds: texts(...SDP_REPEATS.map(([, sdp]) => sdp)),
      costMaxMs: 20,
      run: (input) => refusing(() => negotiate(readOffer(input.toString()), ['H264', 'VP8'])),
    },
    {
      name: 'stun',
      seeds: [
        writeBindingRequest(CHECK),
        writeBindingRequest({ ...CHECK, useCandidate: false, controlled: true }),
        writeBindingSuccess(CHECK.transactionId, { address: '2001:db8::1', port: 1 }, CHECK.password),
      ],
      costMaxMs: 20,
      run: (input) => {
        const message = readBindingRequest(input) ?? readBindingSuccess(input);
        if (message && hasIntegrity(input, message, CHECK.password) && !isStun(input)) throw new Error('no STUN');
      },
    },
    {
      name: 'rtcp',
      seeds: ['81c9000700000001000000020000000000000000000000000000000000000000', '81ce0002000000010000000f'].map(
        (hex) => Buffer.from(hex, 'hex'),
      ),
      run: (input) => void parseRtcp(input),
    },
    {
      name: 'twcc',
      seeds: [Buffer.from('0001000500000001200504040404', 'hex'), Buffer.from('00010007000000018a800404', 'hex')],
      costMaxMs: 20,
      run: (input) => void parseTwcc(input),
    },
    {
      // Each input is followed by a packet and an answer of the storm's own making, so that it falls on a live estimator.
      name: 'feedback',
      seeds: [Buffer.from('0001000500000001200504040404', 'hex'), Buffer.from('00010007000000018a800404', 'hex')],
      run: (input) => {
        storm.take(input);
        storm.step();
      },
    },
    {
      name: 'candidate',
      seeds: texts('candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host generation 0 ufrag abcd network-cost 999'),
      run: (input) => refusing(() => checkCandidate(input.toString())),
    },
    {
      name: 'message',
      seeds: texts(
        JSON.stringify({ type: 'offer', id: 1, sdp: 'v=0', request: { prompt: 'a red ball', seed: 7, codec: 'VP8' } }),
        '{"type":"steer","id":2,"guidance":3.5,"transition":"cut","tierCap":"base"}',
        '{"type":"candidate","candidate":{"candidate":"candidate:1","sdpMid":"0"}}',
      ),
      run: (input) => {
        const text = input.toString();
        readMessage(clientMessage, text);
        readMessage(controlMessage, text);
        findId(text);
      },
    },
    {
      name: 'token',
      seeds: texts(token),
      run: (input) =>
        verifier.verify(input.toString()).then(
          () => {},
          (error: unknown) => {
            if (!(error instanceof GlimpseError) || error.code !== 'UNAUTHORIZED') throw error;
          },
        ),
    },
    {
      name: 'whep-fragment',
      seeds: texts(
        'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfedc\r\n' +
          'a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n',
      ),
      run: (input) =>
        refusing(() => {
          const fragment = parseFragment(input.toString());
          if (fragment.ufrag !== undefined) restartOffer(offerSdp(), fragment);
        }),
    },
    {
      name: 'tcp-frames',
      seeds: [Buffer.concat([frameHead(5), Buffer.from('hello'), frameHead(0), frameHead(1_200), Buffer.alloc(1_200)])],
      run: (input) => {
        // Whole, and cut anywhere, it is the same datagrams.
        const whole = new TcpFrames().take(input);
        const frames = new TcpFrames();
        const cut = (input[0] ?? 0) % (input.length + 1);
        const pieces = [...frames.take(input.subarray(0, cut)), ...frames.take(input.subarray(cut))];
        if (frames.pendingBytes > FRAME_MAX_BYTES + 2) throw new Error(`${frames.pendingBytes} bytes are kept`);
        if (!Buffer.concat(pieces).equals(Buffer.concat(whole)) || pieces.length !== whole.length)
          throw new Error(`cut at ${cut}, other datagrams come out`);
      },
    },
    {
      name: 'range',
      seeds: texts('bytes=0-499', 'bytes=-500', 'bytes=9500-', 'bytes=0-0,-1'),
      run: (input) => {
        const text = input.toString();
        for (const bytes of [1, 10_000, 2 ** 40]) {
          const range = readRange(text, bytes);
          if (range === undefined || range === 'unsatisfiable') continue;
          const within = 0 <= range.start && range.start <= range.end && range.end < bytes;
          if (!within) throw new Error(`${range.start} to ${range.end} is no part of ${bytes} bytes`);
        }
        entityTagMatches(text, '"abc"');
      },
    },
    {
      name: 'whep-query',
      seeds: texts('prompt=a+red+ball&seed=7&mode=clip&seconds=2.5&codec=H264&guidance=3&tierCap=base'),
      run: (input) => refusing(() => readWhepQuery(Object.fromEntries(new URLSearchParams(input.toString())))),
    },
    {
      name: 'headers',
      seeds: texts(
        '10.0.0.1, 2001:db8::1, 192.0.2.7',
        'Bearer a.b.c',
        'glimpse.v1, glimpse.token.a.b.c',
        'https://a.example',
      ),
      run: (input) => {
        const text = input.toString();
        addresses.of('10.0.0.1', text);
        bearerToken(text);
        upgradeToken({ 'sec-websocket-protocol': text, authorization: text });
        originAllowed({ kind: 'loopback' }, text, text);
        originAllowed({ kind: 'same-host' }, text, text);
      },
    },
    sctpTarget(),
    ...dtlsTargets(),
    rtcpTarget(),
    ...receiveTargets(),
    ...(await sourceTargets()),
    ...(await mediaTargets()),
    ...http2Targets(),
    ...clusterTargets(),
  ];
}
