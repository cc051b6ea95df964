import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/metrics/metrics.ts';

const metrics = () => new Metrics({ processMetrics: false });

describe('Metrics', () => {
  it('keeps two instances apart', async () => {
    const [one, two] = [metrics(), metrics()];
    one.count('framesSent', 3);
    expect((await one.exposition()).text).toContain('glimpse_frames_sent_total 3');
    expect((await two.exposition()).text).toContain('glimpse_frames_sent_total 0');
  });

  it('takes latencies in milliseconds and exports seconds', async () => {
    const subject = metrics();
    subject.observe('timeToDraftMs', 90);
    const { text } = await subject.exposition();
    expect(text).toContain('glimpse_time_to_draft_seconds_sum{workflow="none"} 0.09');
    expect(text).toContain('glimpse_time_to_draft_seconds_bucket{le="0.075",workflow="none"} 0');
    expect(text).toContain('glimpse_time_to_draft_seconds_bucket{le="0.1",workflow="none"} 1');
  });

  it('drops what is no duration and no increment', async () => {
    const subject = metrics();
    subject.observe('timeToConnectMs', Number.NaN);
    subject.observe('timeToConnectMs', -1);
    subject.count('keyframes', -1);
    const { text } = await subject.exposition();
    expect(text).not.toContain('glimpse_time_to_connect_seconds_count');
    expect(text).toContain('glimpse_keyframes_total 0');
  });

  it('counts errors by code', async () => {
    const subject = metrics();
    subject.countError('SDP_INVALID');
    expect((await subject.exposition()).text).toContain('glimpse_errors_total{code="SDP_INVALID"} 1');
  });

  it('adds the process metrics by default', async () => {
    expect((await new Metrics().exposition()).text).toContain('process_cpu_seconds_total');
  });
});

describe('caches', () => {
  it('are read when somebody asks, every event of every cache from zero on', async () => {
    const subject = metrics();
    const figures = { hits: 1, misses: 2, evictions: 3, bytes: 400 };
    subject.addCaches([{ cache: 'latents', read: () => figures }]);
    figures.hits = 5;
    for (let scrape = 0; scrape < 2; scrape++) {
      const { text } = await subject.exposition();
      expect(text).toContain('glimpse_cache_events_total{cache="latents",event="hit"} 5');
      expect(text).toContain('glimpse_cache_events_total{cache="segments-disk",event="damaged"} 0');
      expect(text).toContain('glimpse_cache_bytes{cache="latents"} 400');
    }
  });
});

describe('labelled counters', () => {
  it('begin at zero for every value of their closed set', async () => {
    const subject = metrics();
    subject.countBy('tiersReached', { tier: 'base', variant: 'full' }, 2);
    const { text } = await subject.exposition();
    expect(text).toContain('glimpse_slices_total{tier="base",variant="full"} 2');
    expect(text).toContain('glimpse_slices_total{tier="refined",variant="fast"} 0');
  });

  it('take readings in milliseconds and export seconds', async () => {
    const subject = metrics();
    subject.sample('rttMs', 40);
    subject.sample('targetBps', 600_000);
    const { text } = await subject.exposition();
    expect(text).toContain('glimpse_session_rtt_seconds_sum 0.04');
    expect(text).toContain('glimpse_session_target_bits_per_second_sum 600000');
  });
});
