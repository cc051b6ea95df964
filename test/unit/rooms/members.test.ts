import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanName, MEMBER_NAME_MAX, Members } from '../../../src/rooms/members.ts';
import { RoomKeys } from '../../../src/rooms/keys.ts';
import { may, RIGHTS } from '../../../src/rooms/rights.ts';

describe('rights', () => {
  it.each([
    ['watch', ['watch']],
    ['publish', ['watch', 'publish']],
    ['steer', ['watch', 'steer', 'control']],
    ['host', ['watch', 'publish', 'steer', 'control', 'close', 'invite']],
  ] as const)('%s allows %j and nothing else', (right, allowed) => {
    const actions = ['watch', 'publish', 'steer', 'control', 'close', 'invite'] as const;
    expect(actions.filter((action) => may(right, action))).toEqual(allowed);
  });
});

describe('the secrets of a room', () => {
  it('each give their own right', () => {
    const keys = new RoomKeys();
    const shown = keys.below('host');
    for (const right of RIGHTS) expect(keys.rightOf(shown[right] ?? '')).toBe(right);
  });

  it('are told only to a host', () => {
    const keys = new RoomKeys();
    for (const right of ['watch', 'publish', 'steer'] as const) expect(keys.below(right)).toEqual({});
  });

  it('are none of another room, and not empty', () => {
    const keys = new RoomKeys();
    const { host = '' } = new RoomKeys().below('host');
    for (const key of ['', 'x', host, 'é'.repeat(24)]) expect(keys.rightOf(key)).toBeUndefined();
  });
});

describe('the members of a room', () => {
  it('are shown by the names they chose, or by number', () => {
    const members = new Members(3);
    members.join('host', 'Ada');
    members.join('watch', undefined);
    expect(members.list.map(({ name }) => name)).toEqual(['Ada', 'Guest 2']);
  });

  it('are no more than the limit, until one leaves', () => {
    const members = new Members(1);
    const { id } = members.join('host', 'Ada');
    expect(() => members.join('watch', 'Bob')).toThrow(expect.objectContaining({ code: 'ROOM_FULL' }));
    expect(members.leave(id)).toBe(true);
    expect(members.leave(id)).toBe(false);
    expect(members.join('watch', 'Bob').name).toBe('Bob');
  });

  it('send media one at a time', () => {
    const members = new Members(2);
    const [ada, bob] = [members.join('host', 'Ada'), members.join('publish', 'Bob')];
    members.publish(ada.id, true);
    members.publish(ada.id, true);
    expect(() => members.publish(bob.id, true)).toThrow(expect.objectContaining({ code: 'PUBLISHER_EXISTS' }));
    members.publish(ada.id, false);
    members.publish(bob.id, true);
    expect(members.list.map(({ publishes }) => publishes)).toEqual([false, true]);
  });
});

describe('a name as others see it', () => {
  it.each([
    ['  Ada \t Lovelace\n', 'Ada Lovelace'],
    ['a\u202Eevil\u200B\u0000', 'aevil'],
    ['\u200B\u2060', ''],
    ['👩‍👩‍👧 family', '👩👩👧 family'],
  ])('%j becomes %j', (given, shown) => expect(cleanName(given)).toBe(shown));

  it('is one short line of visible characters, whatever was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (given) => {
        const shown = cleanName(given);
        expect(Array.from(shown).length).toBeLessThanOrEqual(MEMBER_NAME_MAX);
        expect(shown).not.toMatch(/[\p{C}\n\t]|^ | $/u);
        expect(cleanName(shown)).toBe(shown);
      }),
    );
  });
});
