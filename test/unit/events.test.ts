import { describe, expect, it } from 'vitest';
import { Emitter } from '../../src/events.ts';

interface Events {
  said: [word: string];
}

describe('Emitter', () => {
  it('goes on to the next listener when one throws, and tells the owner of this instance alone', () => {
    const told: [unknown, string][][] = [[], []];
    const [one, other] = told.map((list) => {
      const emitter = new Emitter<Events>();
      emitter.onListenerError = (error, event) => void list.push([error, event]);
      return emitter;
    });
    const bug = new Error('a bug');
    const heard: string[] = [];
    one?.on('said', () => {
      throw bug;
    });
    one?.on('said', (word) => void heard.push(word));
    one?.emit('said', 'hello');
    other?.emit('said', 'nothing');
    expect([heard, told]).toEqual([['hello'], [[[bug, 'said']], []]]);
  });

  it('without an owner warns, and keeps the words of the error to itself', async () => {
    const emitter = new Emitter<Events>();
    emitter.on('said', () => {
      throw new TypeError('a prompt');
    });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    emitter.emit('said', 'hello');
    expect((await warned).message).toBe('a listener of "said" threw TypeError');
  });
});
