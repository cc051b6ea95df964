import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../src/limits.ts';
import { checkCandidate, checkCandidateCount } from '../../../../src/transport/peer/sdp/candidate.ts';

const invalid: unknown = expect.objectContaining({ code: 'CANDIDATE_INVALID', status: 400 });

describe('a remote candidate', () => {
  it.each([
    'candidate:842163049 1 udp 1677729535 192.0.2.4 46154 typ srflx raddr 10.0.17.1 rport 46154 generation 0 ufrag EEtu network-cost 999',
    'candidate:1 1 UDP 2122252543 2001:db8::1 9 typ host',
    'candidate:1 1 tcp 1518280447 10.0.0.1 9 typ host tcptype active',
    'candidate:1 1 udp 2113937151 4f5d3c2e-0a54-4c6e-9b1c-0b6b0f4a3f11.local 51472 typ host',
    '',
  ])('of a form browsers use is taken: %s', (candidate) => {
    expect(() => checkCandidate(candidate)).not.toThrow();
  });

  it.each([
    'candidate',
    'candidate:1 1 udp x 10.0.0.1 9 typ host',
    'candidate:1 1 udp 1 10.0.0.1 70000 typ host',
    'candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=evil',
    'candidate:1 1 udp 1 exa mple 9 typ host',
    `candidate:1 1 udp 1 10.0.0.1 9 typ host ${'x'.repeat(LIMITS.candidateMaxBytes)}`,
  ])('of another form is CANDIDATE_INVALID: %s', (candidate) => {
    expect(() => checkCandidate(candidate)).toThrow(invalid);
  });

  it('is one of a limited number', () => {
    expect(() => checkCandidateCount(LIMITS.candidatesMax)).not.toThrow();
    expect(() => checkCandidateCount(LIMITS.candidatesMax + 1)).toThrow(invalid);
  });
});
