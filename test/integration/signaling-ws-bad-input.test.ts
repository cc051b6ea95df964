import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture } from '../support/signaling-fixture.ts';

const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0' };

describe('what a refusal says', () => {
  it.each([
    [{ type: 'steer', guidence: 7 }, /^guidence: this message has no such field/],
    [{ type: 'steer', 'a secret prompt': 7 }, /^a field: this message has no such field/],
    [{ type: 'prompt', prompt: 'x'.repeat(1_234) }, /1234 characters; at most 1000/],
    [{ type: 'prompt', prompt: `${'a|'.repeat(40)}b` }, /41 prompts; at most 32/],
  ])('of %o names what would be right', async (message, words) => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    client.send(message);
    expect((await client.next('error')).message).toMatch(words);
  });
});

describe('bad input over the WebSocket', () => {
  const request = { prompt: 'a red ball' };
  const large = offerSdp({ extra: Array.from({ length: 70 }, () => `a=x:${'y'.repeat(1_000)}`) });
  const before: [string, string | Buffer | object, string][] = [
    ['malformed JSON', '{"type":', 'MESSAGE_INVALID'],
    ['JSON that is no object', '7', 'MESSAGE_INVALID'],
    ['an unknown type', { type: 'dance' }, 'MESSAGE_INVALID'],
    ['a binary frame', Buffer.from([1, 2, 3]), 'MESSAGE_INVALID'],
    [
      'a message over the limit',
      JSON.stringify({ type: 'prompt', prompt: 'x'.repeat(LIMITS.messageMaxBytes) }),
      'MESSAGE_TOO_LARGE',
    ],
    ['an SDP that is none', { type: 'offer', sdp: 'hello', request }, 'SDP_INVALID'],
    ['an SDP over 64 KiB', { type: 'offer', sdp: large, request }, 'SDP_TOO_LARGE'],
    ['an offer without SDP', { type: 'offer', request }, 'MESSAGE_INVALID'],
    ['an empty prompt', { type: 'offer', sdp: offerSdp(), request: { prompt: ' ' } }, 'PROMPT_EMPTY'],
    [
      'a 3000-character prompt',
      { type: 'offer', sdp: offerSdp(), request: { prompt: 'x'.repeat(3_000) } },
      'PROMPT_TOO_LONG',
    ],
    [
      'an unknown codec',
      { type: 'offer', sdp: offerSdp(), request: { ...request, codec: 'AV9' } },
      'CODEC_UNSUPPORTED',
    ],
    ['a seed below zero', { type: 'offer', sdp: offerSdp(), request: { ...request, seed: -1 } }, 'PARAMETER_INVALID'],
    [
      'a misspelt parameter',
      { type: 'offer', sdp: offerSdp(), request: { ...request, guidence: 7 } },
      'PARAMETER_INVALID',
    ],
    ['a candidate before the offer', { type: 'candidate', candidate: CANDIDATE }, 'NO_SESSION'],
    ['a control before the offer', { type: 'pause' }, 'NO_SESSION'],
    ['a restart before the offer', { type: 'restart', sdp: offerSdp() }, 'NO_SESSION'],
    ['a candidate that is a number', { type: 'candidate', candidate: 5 }, 'CANDIDATE_INVALID'],
  ];

  it.each(before)('answers %s with a code, and the connection goes on', async (_, message, code) => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    client.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
    expect(await client.next('error')).toMatchObject({ code });
    expect(fixture.registry.size).toBe(0);
    await client.offer();
    expect((await fixture.metrics.exposition()).text).toContain(`glimpse_errors_total{code="${code}"} 1`);
  });

  const during: [string, string | Buffer | object, string][] = [
    ...before.filter(([, , code]) => code.startsWith('MESSAGE')),
    ['a second offer', { type: 'offer', sdp: offerSdp(), request }, 'SESSION_EXISTS'],
    ['a restart that is no SDP', { type: 'restart', sdp: 'hello' }, 'SDP_INVALID'],
    ['an empty prompt', { type: 'prompt', prompt: '' }, 'PROMPT_EMPTY'],
    ['a 3000-character prompt', { type: 'prompt', prompt: 'x'.repeat(3_000) }, 'PROMPT_TOO_LONG'],
    ['a seek in live mode', { type: 'seek', timeMs: 5 }, 'PARAMETER_INVALID'],
    ['a misspelt parameter to steer', { type: 'steer', guidence: 7 }, 'PARAMETER_INVALID'],
    ['a misspelt parameter beside a prompt', { type: 'prompt', prompt: 'sea', sede: 7 }, 'PARAMETER_INVALID'],
    ['an unknown tier', { type: 'steer', tierCap: 'best' }, 'PARAMETER_INVALID'],
    [
      'a candidate that cannot be used',
      { type: 'candidate', candidate: { candidate: 'x.local' } },
      'CANDIDATE_INVALID',
    ],
    ['another session', { type: 'resume', sessionId: 'other', resumeToken: 'x' }, 'SESSION_EXISTS'],
  ];

  it.each(during)('answers %s on a live session with a code, and the session goes on', async (_, message, code) => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    client.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
    expect(await client.next('error')).toMatchObject({ code });
    client.send({ type: 'pause' });
    await client.next('accepted');
    expect(fixture.registry.created).toHaveLength(1);
    expect(fixture.registry.latest.closedWith).toBeUndefined();
  });

  it('echoes the id of a message it could not use', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    client.send({ type: 'dance', id: 42 });
    expect(await client.next('error')).toMatchObject({ id: 42 });
  });

  it('never quotes a prompt back', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    client.socket.send('{"type":"prompt","prompt":"secret meadow}');
    client.send({ type: 'offer', sdp: 'secret meadow', request: { prompt: 'secret meadow', codec: 'secret meadow' } });
    const errors = [await client.next('error'), await client.next('error')];
    expect(JSON.stringify(errors)).not.toContain('secret');
  });

  it('closes a session whose offer could not be answered', async () => {
    await using fixture = await startFixture();
    fixture.registry.onCreate = (session) => void (session.failNext = new GlimpseError('CODEC_UNSUPPORTED'));
    const client = await fixture.connect();
    client.send({ type: 'offer', id: 1, sdp: offerSdp(), request });
    expect(await client.next('error')).toMatchObject({ code: 'CODEC_UNSUPPORTED', id: 1 });
    expect(fixture.registry.size).toBe(0);
    fixture.registry.onCreate = () => {};
    await client.offer();
    expect(client.received.map(({ type }) => type)).not.toContain('bye');
  });

  it('refuses with a hint when the server is full', async () => {
    await using fixture = await startFixture();
    fixture.registry.max = 0;
    const client = await fixture.connect();
    client.send({ type: 'offer', sdp: offerSdp(), request });
    expect(await client.next('error')).toMatchObject({ code: 'SESSION_LIMIT', retryable: true, retryAfterMs: 1_500 });
  });

  it('limits how many candidates one viewer may send', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    for (let sent = 0; sent <= LIMITS.candidatesMax; sent++) client.send({ type: 'candidate', candidate: CANDIDATE });
    expect(await client.next('error')).toMatchObject({ code: 'CANDIDATE_INVALID' });
    expect(fixture.registry.latest.candidates).toHaveLength(LIMITS.candidatesMax);
  });

  it('closes a session whose viewer left before the answer', async () => {
    await using fixture = await startFixture();
    const [gate, created] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    fixture.registry.onCreate = (session) => {
      session.gate = gate.promise;
      created.resolve();
    };
    const client = await fixture.connect();
    client.send({ type: 'offer', sdp: offerSdp(), request });
    await created.promise;
    const closed = new Promise((resolve) => void fixture.registry.latest.events.on('closed', resolve));
    client.socket.terminate();
    const other = await fixture.connect();
    other.socket.close();
    await other.closed;
    gate.resolve();
    await closed;
    expect(fixture.registry.size).toBe(0);
  });

  it('cuts off a message too large to read, and the session lives on', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    client.socket.send('x'.repeat(LIMITS.messageHardMaxBytes + 1));
    expect(await client.closed).toBe(1009);
    expect(fixture.registry.size).toBe(1);
  });
});
