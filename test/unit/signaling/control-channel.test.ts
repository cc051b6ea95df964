import { beforeEach, describe, expect, it } from 'vitest';
import { answerControl, serveDataChannel } from '../../../signaling/control/control-channel.ts';
import { serverMessage } from '../../../signaling/protocol.ts';
import type { SessionControls } from '../../../signaling/control/session-controls.ts';
import type { GlimpseError } from '../../../src/errors.ts';
import { LIMITS } from '../../../src/limits.ts';
import { FakeRegistry, FakeSession, STATS } from '../../support/fake-registry.ts';
import { openGate } from '../../support/gate.ts';

let session: FakeSession;
let controls: SessionControls;
let errors: GlimpseError[];

beforeEach(() => {
  session = new FakeSession('s', { prompt: 'a red ball', mode: 'live', seconds: 4 });
  controls = openGate(new FakeRegistry()).controlsOf(session);
  errors = [];
});

const serve = (events: boolean) =>
  serveDataChannel(session, { controls, events, onError: (error) => errors.push(error) });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const sent = () => session.channel.map((text) => serverMessage.parse(JSON.parse(text)));

describe('answerControl', () => {
  it('answers with accepted', async () => {
    const reply = await answerControl(controls, '{"type":"prompt","id":1,"prompt":"night"}').reply;
    expect(reply).toMatchObject({ accepted: { type: 'accepted', id: 1, revision: 1, prompt: 'night' } });
    expect(session.controls).toEqual([{ type: 'prompt', prompt: 'night' }]);
  });

  it.each([
    ['no JSON', '{', 'MESSAGE_INVALID'],
    ['an offer', '{"type":"offer"}', 'MESSAGE_INVALID'],
    ['an empty prompt', '{"type":"prompt","id":5,"prompt":""}', 'PROMPT_EMPTY'],
  ])('answers %s with a code', async (_, text, code) => {
    expect(await answerControl(controls, text).reply).toMatchObject({ error: { code } });
  });
});

describe('serveDataChannel', () => {
  it('answers in the order asked', async () => {
    serve(false);
    session.events.emit('channelMessage', '{"type":"pause","id":1}');
    session.events.emit('channelMessage', 'nonsense');
    session.events.emit('channelMessage', '{"type":"play","id":2}');
    await settled();
    expect(sent()).toMatchObject([
      { type: 'accepted', id: 1 },
      { type: 'error', code: 'MESSAGE_INVALID' },
      { type: 'accepted', id: 2 },
    ]);
    expect(errors).toMatchObject([{ code: 'MESSAGE_INVALID' }]);
  });

  it('refuses what is too large or too much', async () => {
    serve(false);
    session.events.emit('channelMessage', 'x'.repeat(LIMITS.messageMaxBytes + 1));
    for (let count = 0; count <= LIMITS.messagesPendingMax; count++)
      session.events.emit('channelMessage', `{"id":${count}}`);
    expect(sent()).toMatchObject([
      { code: 'MESSAGE_TOO_LARGE' },
      { code: 'RATE_LIMITED', retryAfterMs: 1_000, id: LIMITS.messagesPendingMax },
    ]);
  });

  it('carries the session’s events where there is no socket', async () => {
    serve(true);
    session.events.emit('stats', STATS);
    session.events.emit('error', new Error('private'));
    await session.close('over');
    expect(sent()).toMatchObject([
      { type: 'stats' },
      { type: 'error', code: 'INTERNAL' },
      { type: 'bye', reason: 'over' },
    ]);
    expect(session.channel.join()).not.toContain('private');
  });

  it('keeps events to the socket where there is one', async () => {
    serve(false);
    session.events.emit('stats', STATS);
    await session.close('over');
    expect(session.channel).toEqual([]);
  });
});
