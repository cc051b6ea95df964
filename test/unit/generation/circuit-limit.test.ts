import { expect, it } from 'vitest';
import { Circuit } from '../../../src/generation/recovery/circuit.ts';

it('a circuit stays open no longer than its backend says, however often the probe fails', () => {
  const circuit = new Circuit({ mostUs: 2e6 });
  let nowUs = 0;
  for (let failure = 0; failure < 3; failure++) circuit.failed(nowUs);
  for (let probe = 0; probe < 6; probe++) {
    expect(circuit.enter(nowUs + 1_999_999)).toBe('refused');
    nowUs += 2e6;
    expect(circuit.enter(nowUs)).toBe('probe');
    circuit.failed(nowUs, true);
  }
});
