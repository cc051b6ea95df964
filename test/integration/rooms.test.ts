/** Several people on one stream: what is made and encoded once for all, who may do what, and what others notice. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import type { RoomView } from '../../src/rooms/room.ts';
import type { Session, SessionOpening } from '../../src/session/contract.ts';
import type { FakePeer } from '../../bench/support/wire/fake-peer-host.ts';
import { CountingGenerator } from '../support/counting-generator.ts';
import { FakeTime } from '../support/fake-time.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { REQUEST, sessionFixture, type SessionFixture } from '../support/session-fixture.ts';

/** Counts what real encoders encode. */
function countingEncoders() {
  const counted = { open: 0, frames: 0 };
  const real = encoderFactory('auto');
  const create: EncoderFactory = async (settings) => {
    const encoder = await real(settings);
    counted.open += 1;
    const encode = encoder.encode.bind(encoder);
    const close = encoder.close.bind(encoder);
    encoder.encode = (...frame) => {
      counted.frames += 1;
      return encode(...frame);
    };
    encoder.close = () => {
      counted.open -= 1;
      return close();
    };
    return encoder;
  };
  return { counted, create };
}

/** A session whose peer is connected. */
async function watching(
  { sessions, peers }: SessionFixture,
  opening: Partial<SessionOpening> = {},
): Promise<{ session: Session; peer: FakePeer }> {
  const session = await sessions.create({ ...REQUEST, ...opening });
  await session.answer('offer');
  const peer = peers.last;
  peer.connect();
  return { session, peer };
}

const roomOf = ({ room }: Session): RoomView => {
  if (!room) throw new Error('the session is in no room');
  return room;
};

/** What a link gives to one who opens it. */
const linkTo = (host: Session, right: keyof NonNullable<RoomView['keys']>): Partial<SessionOpening> => ({
  prompt: '',
  room: { name: roomOf(host).name, key: roomOf(host).keys?.[right] },
});

const framesSent = ({ stats }: Session): number => stats.framesSent;

describe('a room', () => {
  let before: Holdings;
  beforeEach(async () => {
    await (await encoderFactory('auto')({ codec: 'VP8', widthPx: 64, heightPx: 64, fps: 10, bitrateBps: 1e5 })).close();
    before = takeHoldings();
  });
  afterEach(() => expectNoLeaks(before));

  it('shows two viewers one stream, generated and encoded once', async () => {
    using time = new FakeTime();
    const generator = new CountingGenerator();
    const { counted, create } = countingEncoders();
    const fixture = sessionFixture({ generator, createEncoder: time.awaiting(create) });
    const host = await watching(fixture, { room: {} });
    const guest = await watching(fixture, linkTo(host.session, 'watch'));
    await time.until(() => framesSent(guest.session) > 5);
    const before = [framesSent(host.session), framesSent(guest.session), counted.frames];
    await time.until(() => framesSent(guest.session) > 30);
    const after = [framesSent(host.session), framesSent(guest.session), counted.frames];
    // Each frame is encoded once and sent twice.
    const [toHost, toGuest, encoded] = after.map((count, index) => count - before[index]!);
    expect([toHost, toGuest]).toEqual([encoded, encoded]);
    expect(counted.open).toBe(1);
    expect(generator.made.filter((grade) => grade === '1:draft')).toHaveLength(1);
    await guest.session.close('done');
    await host.session.close('done');
  });

  it('goes on when its host has left, and ends with its last member', async () => {
    const generator = new CountingGenerator();
    const fixture = sessionFixture({ generator });
    const host = await watching(fixture, { room: {} });
    const { name } = roomOf(host.session);
    const guest = await watching(fixture, linkTo(host.session, 'steer'));
    await expect.poll(() => framesSent(guest.session)).toBeGreaterThan(2);
    await host.session.close('the host left');
    const seen = framesSent(guest.session);
    await expect.poll(() => framesSent(guest.session)).toBeGreaterThan(seen + 10);
    expect(roomOf(guest.session).members).toHaveLength(1);
    expect(fixture.sessions.hasRoom(name)).toBe(true);
    await guest.session.close('done');
    expect(fixture.sessions.hasRoom(name)).toBe(false);
    const jobs = generator.jobs.length;
    await expect(fixture.sessions.create({ ...REQUEST, prompt: '', room: { name } })).rejects.toMatchObject({
      code: 'ROOM_NOT_FOUND',
    });
    expect(generator.jobs).toHaveLength(jobs);
  });

  it('sends a newcomer a keyframe, and the others no more than that one', async () => {
    const fixture = sessionFixture();
    const host = await watching(fixture, { room: {} });
    await expect.poll(() => framesSent(host.session)).toBeGreaterThan(3);
    const guest = await watching(fixture, linkTo(host.session, 'watch'));
    await expect.poll(() => framesSent(guest.session)).toBeGreaterThan(3);
    const [first] = guest.peer.sent.media;
    expect((first?.payload[4] ?? 1) & 1).toBe(0);
    expect(host.session.stats.keyframes).toBe(2);
    expect(guest.session.stats.keyframes).toBe(1);
    await guest.session.close('done');
    await host.session.close('done');
  });

  it('can be made of a running stream, which does not notice', async () => {
    const fixture = sessionFixture();
    const host = await watching(fixture);
    await expect.poll(() => framesSent(host.session)).toBeGreaterThan(3);
    const told: RoomView[] = [];
    host.session.events.on('room', (room) => told.push(room));
    await host.session.control({ type: 'share', as: 'Ada' });
    await host.session.control({ type: 'share', as: 'twice' });
    expect(told).toHaveLength(1);
    expect(roomOf(host.session)).toMatchObject({ right: 'host', members: [{ name: 'Ada' }] });
    const guest = await watching(fixture, linkTo(host.session, 'watch'));
    await expect.poll(() => framesSent(guest.session)).toBeGreaterThan(3);
    expect(host.session.stats).toMatchObject({ revision: 0, state: 'live' });
    await guest.session.close('done');
    await host.session.close('done');
  });

  it('tells all members who changed the prompt; the last change wins', async () => {
    const fixture = sessionFixture();
    const host = await watching(fixture, { room: { as: 'Ada' } });
    const guest = await watching(fixture, {
      ...linkTo(host.session, 'steer'),
      room: { ...linkTo(host.session, 'steer').room, as: 'Bob' },
    });
    const told = new Map<Session, string[]>([
      [host.session, []],
      [guest.session, []],
    ]);
    for (const [session, heard] of told)
      session.events.on('steered', ({ by, prompt }) => heard.push(`${by.name}: ${prompt}`));
    const [first, second] = await Promise.all([
      host.session.control({ type: 'prompt', prompt: 'a red cube' }),
      guest.session.control({ type: 'prompt', prompt: 'a blue cube' }),
    ]);
    expect([first.prompt, second.prompt]).toEqual(['a red cube', 'a blue cube']);
    for (const heard of told.values()) expect(heard).toEqual(['Ada: a red cube', 'Bob: a blue cube']);
    expect(await host.session.accepted).toMatchObject({ prompt: 'a blue cube', revision: second.revision });
    await guest.session.close('done');
    await host.session.close('done');
  });

  it.each([
    ['watch', { type: 'prompt', prompt: 'mine' }],
    ['watch', { type: 'steer', seed: 4 }],
    ['watch', { type: 'pause' }],
    ['publish', { type: 'prompt', prompt: 'mine' }],
    ['steer', { type: 'endRoom' }],
  ] as const)('refuses what a link to %s does not allow: %j', async (right, control) => {
    const fixture = sessionFixture();
    const host = await watching(fixture, { room: {} });
    const guest = await watching(fixture, linkTo(host.session, right));
    await expect(guest.session.control(control)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await host.session.accepted).toMatchObject({ revision: 0, prompt: REQUEST.prompt });
    expect(host.session.stats.paused).toBe(false);
    // The size of their own picture is their own business.
    await guest.session.control({ type: 'steer', tierCap: 'draft' });
    await guest.session.close('done');
    await host.session.close('done');
  });

  it('refuses one who knows only its name, unless it is open to all', async () => {
    const fixture = sessionFixture();
    const closed = await watching(fixture, { room: { name: 'closed' } });
    const open = await watching(fixture, { room: { name: 'open', everyone: 'watch' } });
    const join = (room: SessionOpening['room']) =>
      fixture.sessions.create({ ...REQUEST, prompt: '', ...(room && { room }) });
    await expect(join({ name: 'closed' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(join({ name: 'closed', key: 'guessed' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(join({ name: 'closed', key: roomOf(open.session).keys?.host })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const guest = await join({ name: 'open' });
    expect(roomOf(guest)).toMatchObject({ right: 'watch', members: [{ right: 'host' }, { right: 'watch' }] });
    expect(roomOf(guest).keys).toBeUndefined();
    for (const session of [guest, open.session, closed.session]) await session.close('done');
  });

  it('ends for all when its host ends it', async () => {
    const fixture = sessionFixture();
    const host = await watching(fixture, { room: {} });
    const guest = await watching(fixture, linkTo(host.session, 'watch'));
    const reasons: string[] = [];
    for (const { session } of [host, guest]) session.events.on('closed', (reason) => reasons.push(reason));
    await host.session.control({ type: 'endRoom' });
    await expect.poll(() => reasons).toEqual(['room-ended', 'room-ended']);
    expect(fixture.sessions.size).toBe(0);
  });

  it('takes as many members as the service has places', async () => {
    const fixture = sessionFixture({ maxSessions: 2 });
    const host = await watching(fixture, { room: {} });
    const guest = await watching(fixture, linkTo(host.session, 'watch'));
    await expect(fixture.sessions.create({ ...REQUEST, ...linkTo(host.session, 'watch') })).rejects.toMatchObject({
      code: 'SESSION_LIMIT',
    });
    expect(roomOf(host.session).members).toHaveLength(2);
    await guest.session.close('done');
    await host.session.close('done');
  });
});
