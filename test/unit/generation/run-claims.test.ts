/** A run that waits in the thread is begun or taken back, never both. */
import { expect, it } from 'vitest';
import { RunClaims } from '../../../src/generation/onnx/thread/run-claims.ts';

it('gives a run to whoever asks first, on either side', () => {
  const host = new RunClaims();
  const thread = new RunClaims(host.words);
  host.offer(0, 7);
  host.offer(1, 8);
  expect([thread.take(0, 7), host.take(0, 7)]).toEqual([true, false]);
  expect([host.take(1, 8), thread.take(1, 8)]).toEqual([true, false]);
});

it('does not take another run that has come into its place', () => {
  const claims = new RunClaims();
  claims.offer(1, 8);
  claims.offer(1, 9);
  expect([claims.take(1, 8), claims.take(1, 9)]).toEqual([false, true]);
});
