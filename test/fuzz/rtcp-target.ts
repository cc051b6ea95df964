/** Compounds of all kinds of RTCP against the live send path of a viewer: what parses must not cost, or send, too much. */
import { seededRandom } from '../../bench/link/seeded-random.ts';
import { VirtualTime } from '../../bench/link/virtual-time.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { VideoSender } from '../../src/transport/video-sender.ts';
import { ArrayMediaPath } from '../../bench/support/wire/array-media-path.ts';
import { joined } from '../../bench/support/wire/rtcp-builder.ts';
import { RTCP_KINDS } from './rtcp-kinds.ts';
import type { FuzzTarget } from './target.ts';

/** Inputs between two pictures, and between two viewers: what one has sent is kept by the path. */
const PICTURE_EVERY = 4;
const VIEWER_EVERY = 2_000;
const PICTURE_BYTES = 3_000;

/** A viewer in virtual time, and what it takes to go on. */
function viewer() {
  const time = new VirtualTime();
  const path = new ArrayMediaPath();
  const timer = new PacerTimer({ clock: time });
  const sender = new VideoSender({
    path,
    estimator: new GlimpseEstimator(),
    clock: time,
    timer,
    random: seededRandom(1),
  });
  const showPicture = (): void => {
    const data = new Uint8Array(PICTURE_BYTES).fill(1);
    sender.sendFrame({ data, keyframe: true, widthPx: 16, heightPx: 16, encodeMs: 0 }, { captureUs: time.nowUs() });
    time.advance(40);
    path.rtp.length = 0;
    path.rtcp.length = 0;
  };
  showPicture();
  return { sender, showPicture };
}

export function rtcpTarget(): FuzzTarget {
  const kinds = Object.values(RTCP_KINDS);
  let count = 0;
  let live = viewer();
  return {
    name: 'rtcp-kinds',
    seeds: [...kinds, joined(...kinds), joined(...kinds.toReversed())].map((packet) => Buffer.from(packet)),
    costMaxMs: 20,
    run: (input) => {
      if (++count % VIEWER_EVERY === 0) {
        live.sender.close();
        live = viewer();
      }
      live.sender.onRtcp(input);
      if (count % PICTURE_EVERY === 0) live.showPicture();
      const { targetBps } = live.sender.stats;
      if (!(targetBps > 0)) throw new Error(`target ${targetBps}`);
    },
    close: () => live.sender.close(),
  };
}
