/** Several people on one stream, over real peers: one generation for all, and each leaves without the others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Emitter } from '../../src/events.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { Rooms } from '../../src/rooms/rooms.ts';
import type { SessionDeps } from '../../src/session/start-session.ts';
import { ViewerSession } from '../../src/session/session.ts';
import { Audience } from '../../src/stream/audience.ts';
import { Stream } from '../../src/stream/stream.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import type { PeerHost } from '../../src/transport/peer/contract.ts';
import type { ViewerEvents } from '../../src/viewer/contract.ts';
import { Encodes } from '../../src/viewer/encodes/encodes.ts';
import type { Stage } from '../../src/viewer/stage.ts';
import { Viewer } from '../../src/viewer/viewer.ts';
import { eventually } from '../support/eventually.ts';
import { RecordingGenerator } from '../support/recording-generator.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';
import { createWeriftClient, type WeriftClient } from '../support/werift-client.ts';

const generatorOf = () => new RecordingGenerator(new PatternGenerator({ widthPx: 128, heightPx: 128, fps: 20 }));
const wish = { tierCap: 'refined' } as const;

function startStage({ stream: deps, viewer }: SessionDeps): Stage {
  const demand = { shown: true, watched: true, asked: 'refined', tier: 'refined', fps: 20 } as const;
  const stream = new Stream({ request: REQUEST, user: { id: 'host', weight: 1 }, demand }, deps);
  const encodes = new Encodes({ clock: viewer.clock, stream, encoding: viewer.encoding });
  return { stream, audience: new Audience(stream), encodes };
}

describe('two viewers of one stream', () => {
  let host: PeerHost;
  let clients: WeriftClient[] = [];

  beforeEach(async () => {
    host = await createPeerHost({ host: '127.0.0.1', port: 0 });
    clients = [];
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await host.close();
  });

  async function connect(viewer: Pick<Viewer, 'answer'>): Promise<WeriftClient> {
    const client = createWeriftClient();
    clients.push(client);
    await client.connect({ answer: (offer) => viewer.answer(offer) });
    return client;
  }

  it('watch the same pictures of one generation, and one stays when the other leaves', async () => {
    const generator = generatorOf();
    const { deps } = sessionFixture({ generator, host });
    const stage = startStage(deps);
    const { stream, audience } = stage;
    const open = () => {
      const events = new Emitter<ViewerEvents>();
      const playing: string[] = [];
      events.on('playing', ({ revision, slice }) => playing.push(`${revision}:${slice}`));
      return { viewer: new Viewer({ stage, wish, events }, deps.viewer), playing };
    };
    const one = open();
    const first = await connect(one.viewer);
    await eventually(() => expect(one.playing.length).toBeGreaterThan(1));

    // Whoever joins later starts with a keyframe of what plays now.
    const two = open();
    const second = await connect(two.viewer);
    await eventually(() => expect(two.playing.length).toBeGreaterThan(2));
    expect(two.viewer.stats).toMatchObject({ state: 'live', timeToDraftMs: null });
    expect(two.viewer.stats.keyframes).toBeGreaterThanOrEqual(1);
    expect(one.playing).toEqual(expect.arrayContaining(two.playing.slice(0, 1)));
    expect([first, second].every(({ received }) => received.length > 0)).toBe(true);
    stream.steer({ seed: 5, transition: 'cut' });
    await eventually(() => expect([one, two].map(({ playing }) => playing.includes('1:0'))).toEqual([true, true]));

    await one.viewer.close('left');
    expect([audience.size, stream.playout.stands]).toEqual([1, false]);
    const { framesSent } = two.viewer.stats;
    const slices = generator.jobs.length;
    await eventually(() => expect(two.viewer.stats.framesSent).toBeGreaterThan(framesSent + 20));
    expect(generator.jobs.length).toBeGreaterThan(slices);

    const asked = generator.jobs.map(({ revision, slice }) => `${revision}:${slice}`);
    expect(asked).toEqual([...new Set(asked)]);
    await two.viewer.close('left');
    expect(stream.playout.stands).toBe(true);
    await stage.encodes.close();
    await stream.close();
  });

  it('steer it as sessions, and it outlives the one who started it', async () => {
    const generator = generatorOf();
    const { deps } = sessionFixture({ generator, host });
    const rooms = new Rooms<Stage>({ members: 2, perUser: 1 });
    const options = { stage: startStage(deps), wish, owner: 'host', rooms };
    const started = new ViewerSession(options, deps.viewer);
    const joined = new ViewerSession(options, deps.viewer);
    await Promise.all([connect(started), connect(joined)]);
    await joined.control({ type: 'pause' });
    expect(started.stats.paused).toBe(true);
    await started.control({ type: 'play' });
    await eventually(() => expect(joined.stats.framesSent).toBeGreaterThan(3));

    await started.close('left');
    expect(await joined.control({ type: 'prompt', prompt: 'a blue cube' })).toMatchObject({ revision: 1 });
    await eventually(() => expect(joined.stats).toMatchObject({ state: 'live', revision: 1 }));
    const { framesSent } = joined.stats;
    await eventually(() => expect(joined.stats.framesSent).toBeGreaterThan(framesSent + 10));

    await joined.close('left');
    expect(host.peerCount).toBe(0);
    await expect(joined.control({ type: 'play' })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
  });
});
