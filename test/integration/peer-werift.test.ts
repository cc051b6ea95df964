/** Our peer against an independent receiver: RTP arrives decrypted and intact, control text goes both ways. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerHost } from '../../src/transport/peer/contract.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { createWeriftClient, until } from '../support/werift-client.ts';

let host: PeerHost;
beforeAll(async () => {
  host = await createPeerHost({ host: '127.0.0.1', port: 0 });
});
afterAll(() => host.close());

const payloadOf = (index: number): Buffer => Buffer.alloc(200 + index, index);

describe('a peer and a werift client', () => {
  it.each(['VP8', 'H264'] as const)('carry %s packets whole and in order, RTX on its own SSRC', async (codec) => {
    const client = createWeriftClient({ codec });
    const peer = host.createPeer({ codecs: ['VP8', 'H264'] });
    await client.connect(peer);
    const { video } = peer.path!;
    expect(video).toMatchObject({
      codec,
      feedback: { nack: true, pli: true, fir: true, transportCc: true, remb: true },
    });
    expect(Object.keys(video.extensions)).toHaveLength(4);

    for (let index = 0; index < 20; index += 1) {
      const sent = peer.path!.sendRtp({
        ssrc: video.ssrc,
        payloadType: video.payloadType,
        // Wraps after ten packets.
        sequenceNumber: (65_526 + index) & 0xffff,
        rtpTimestamp: 0xffff_fff0 + index,
        marker: index % 2 === 1,
        payload: payloadOf(index),
      });
      expect(sent?.transportSequence).toBe(index);
    }
    const { rtx } = video;
    peer.path!.sendRtp({
      ssrc: rtx!.ssrc,
      payloadType: rtx!.payloadType,
      sequenceNumber: 5,
      rtpTimestamp: 1,
      marker: false,
      payload: Buffer.from([0xff, 0xf6, 1, 2, 3]),
    });
    await until(() => client.received.length >= 21);

    const media = client.received.filter(({ header }) => header.ssrc === video.ssrc);
    expect(media.map(({ header }) => header.sequenceNumber)).toEqual(
      Array.from({ length: 20 }, (_, index) => (65_526 + index) & 0xffff),
    );
    for (const [index, packet] of media.entries()) {
      expect(packet.payload.equals(payloadOf(index))).toBe(true);
      expect(packet.header.marker).toBe(index % 2 === 1);
    }
    expect(client.received.find(({ header }) => header.ssrc === rtx!.ssrc)?.payload).toEqual(
      Buffer.from([0xff, 0xf6, 1, 2, 3]),
    );
    await peer.close('done');
    await client.close();
  });

  it('exchange text on the control channel and refuse more than the buffer holds', async () => {
    const client = createWeriftClient();
    const peer = host.createPeer({ codecs: ['VP8'] });
    const heard: string[] = [];
    const answered: unknown[] = [];
    peer.events.on('control', (text) => heard.push(text));
    client.channel.onMessage.subscribe((text) => answered.push(text));
    expect(peer.sendControl('too early')).toBe(false);
    await client.connect(peer);
    await until(() => client.channel.readyState === 'open');
    client.channel.send('{"type":"play"}');
    await until(() => heard.length === 1);
    expect(heard).toEqual(['{"type":"play"}']);
    expect(peer.sendControl('{"type":"stats"}')).toBe(true);
    await until(() => answered.length === 1);
    expect(answered).toEqual(['{"type":"stats"}']);
    expect(peer.sendControl('x'.repeat(70_000))).toBe(false);
    await peer.close('done');
    await client.close();
  });

  it('hand decrypted RTCP on, and send RTCP', async () => {
    const client = createWeriftClient();
    const peer = host.createPeer({ codecs: ['VP8'] });
    const compounds: Uint8Array[] = [];
    peer.events.on('rtcp', (compound) => compounds.push(compound));
    await client.connect(peer);
    const dtls = client.pc.dtlsTransports[0]!;
    const { srtcp } = dtls;
    const pli = Buffer.from('81ce0002000000010000000f', 'hex');
    await client.sendRaw(srtcp.encrypt(pli));
    await until(() => compounds.length > 0);
    expect(compounds.some((compound) => pli.equals(compound))).toBe(true);

    const reports: unknown[] = [];
    dtls.onRtcp.subscribe((packet) => reports.push(packet));
    const { ssrc } = peer.path!.video;
    const senderReport = Buffer.alloc(28);
    senderReport.writeUInt32BE(0x80c80006, 0);
    senderReport.writeUInt32BE(ssrc, 4);
    peer.path!.sendRtcp(senderReport);
    await until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ ssrc });
    await peer.close('done');
    await client.close();
  });
});
