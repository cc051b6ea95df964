import { describe, expect, it } from 'vitest';
import { roomFromLink, roomLink } from '../../../src/client/room-link.ts';
import { requireOptions, roomRequest } from '../../../src/client/options.ts';

const PAGE = 'https://host/glimpse/?prompt=a+ball&seed=7#token=secret';
const room = { name: 'the-room', keys: { watch: 'k1', host: 'k2' } };

describe('a link to a room', () => {
  it('leads back to the room, and carries nothing else of the page it was made on', () => {
    const link = roomLink(room, 'watch', PAGE);
    expect(link?.href).toBe('https://host/glimpse/#room=the-room&key=k1');
    expect(roomFromLink(link?.hash ?? '')).toEqual({ name: 'the-room', key: 'k1' });
  });

  it('is not to be had for a right that this member cannot pass on', () => {
    expect(roomLink(room, 'steer', PAGE)).toBeUndefined();
    expect(roomLink({ name: 'the-room' }, 'watch', PAGE)).toBeUndefined();
  });

  it('may have no key, and other fragments are no links', () => {
    expect(roomFromLink('#room=open')).toEqual({ name: 'open' });
    expect(roomFromLink('#token=x')).toBeUndefined();
    expect(roomFromLink('')).toBeUndefined();
  });
});

describe('what an offer says of a room', () => {
  it.each([
    [undefined, undefined],
    [false, undefined],
    [true, {}],
    [
      { name: 'a', key: 'k', as: 'Ada' },
      { name: 'a', key: 'k', as: 'Ada' },
    ],
  ])('%j', (asked, wire) => expect(roomRequest({ room: asked })).toEqual(wire));

  it('leads a host back as host after a loss, and a guest by their own link', () => {
    expect(roomRequest({ room: true }, room)).toMatchObject({ name: 'the-room', key: 'k2' });
    expect(roomRequest({ room: { name: 'the-room', key: 'k1' } }, { name: 'the-room' })).toMatchObject({ key: 'k1' });
  });

  it('needs a prompt only for a room that may have to be created', () => {
    expect(() => requireOptions({ room: { name: 'a', key: 'k' } })).not.toThrow();
    expect(() => requireOptions({ room: true })).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
    expect(() => requireOptions({})).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
  });
});
