/** A viewer whose ICE sends no checks once it is connected: libnice before 0.1.21.1, which most distributions have. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { eventually } from '../support/eventually.ts';
import { GstreamerViewer, hasGstreamer } from '../support/gstreamer.ts';
import { startPattern } from '../support/pattern-service.ts';

/** By the viewer's own clock, a line a second. */
const CONSENT_SECONDS = Math.ceil(LIMITS.consentTimeoutMs / 1_000) + 3;

describe.skipIf(!hasGstreamer)('GStreamer', () => {
  it('goes on receiving after consent would have run out, and hears that its session ends', async () => {
    await using service = await startPattern();
    await using viewer = new GstreamerViewer(`${service.url}/whep?prompt=the+sea`);
    await eventually(() => expect(viewer.states).toContain('connected'));
    const connectedAt = viewer.buffers.length;
    await eventually(() => expect(viewer.buffers.length).toBeGreaterThan(connectedAt + CONSENT_SECONDS));
    const [before, now] = viewer.buffers.slice(-2);
    expect(now).toBeGreaterThan(before!);
    await fetch(new URL(viewer.location!, `${service.url}/whep`), { method: 'DELETE' });
    await eventually(() => expect(viewer.byes).toHaveLength(1));
  });
});
