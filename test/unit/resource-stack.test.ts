import { describe, expect, it } from 'vitest';
import { ResourceStack } from '../../src/lifetime/resource-stack.ts';

describe('a resource stack', () => {
  it('ends what it took over, last first, once', async () => {
    const ended: string[] = [];
    const stack = new ResourceStack();
    expect(stack.adopt('first', (name) => ended.push(name))).toBe('first');
    stack.use({ [Symbol.dispose]: () => void ended.push('second') });
    stack.use({
      async [Symbol.asyncDispose]() {
        await Promise.resolve();
        ended.push('third');
      },
    });
    expect(stack.disposed).toBe(false);
    await stack.disposeAsync();
    await stack.disposeAsync();
    expect(stack.disposed).toBe(true);
    expect(ended).toEqual(['third', 'second', 'first']);
  });

  it('ends the others too when one fails, and then throws the first failure', async () => {
    const ended: string[] = [];
    const stack = new ResourceStack();
    stack.adopt('kept', (name) => ended.push(name));
    stack.adopt('later', () => Promise.reject(new Error('later')));
    stack.adopt('earlier', () => {
      throw new Error('earlier');
    });
    await expect(stack.disposeAsync()).rejects.toThrow('earlier');
    expect(ended).toEqual(['kept']);
  });
});
