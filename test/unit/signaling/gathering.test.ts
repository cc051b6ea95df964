import { describe, expect, it } from 'vitest';
import { gatherCandidates } from '../../../signaling/control/gathering.ts';
import { FakeSession } from '../../support/fake-registry.ts';
import { offerSdp } from '../../support/offer-sdp.ts';

const session = () => new FakeSession('s', { prompt: 'a red ball', mode: 'live', seconds: 4 });
const CANDIDATE = 'candidate:1 1 udp 1 127.0.0.1 9 typ host';

describe('gatherCandidates', () => {
  it('leaves an answer alone that has its candidates', async () => {
    const answer = offerSdp({ extra: [`a=${CANDIDATE}`] });
    expect(await gatherCandidates(session()).complete(answer)).toBe(answer);
  });

  it('adds trickled candidates once gathering has ended', async () => {
    const subject = session();
    const gathering = gatherCandidates(subject);
    subject.events.emit('candidate', { candidate: CANDIDATE });
    subject.events.emit('candidate', null);
    const answer = await gathering.complete(offerSdp());
    expect(answer).toContain(`a=${CANDIDATE}\r\na=end-of-candidates\r\nm=application`);
  });

  it('answers with what there is when gathering never ends, or the session does', async () => {
    expect(await gatherCandidates(session(), 1).complete(offerSdp())).toContain('a=end-of-candidates');
    const closing = session();
    const gathering = gatherCandidates(closing, 2 ** 30);
    await closing.close('over');
    expect(await gathering.complete(offerSdp())).toContain('a=end-of-candidates');
  });
});
