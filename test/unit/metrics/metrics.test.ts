import { readFile } from 'node:fs/promises';
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
    expect(text).toContain('glimpse_time_to_draft_seconds_sum 0.09');
    expect(text).toContain('glimpse_time_to_draft_seconds_bucket{le="0.075"} 0');
    expect(text).toContain('glimpse_time_to_draft_seconds_bucket{le="0.1"} 1');
  });

  it('drops what is no duration and no increment', async () => {
    const subject = metrics();
    subject.observe('timeToConnectMs', Number.NaN);
    subject.observe('timeToConnectMs', -1);
    subject.count('keyframes', -1);
    const { text } = await subject.exposition();
    expect(text).toContain('glimpse_time_to_connect_seconds_count 0');
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

const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) =>
  String(a.name).localeCompare(String(b.name));

describe('docs/metrics.md', () => {
  it('lists exactly the metrics of the registry, with type, labels and meaning', async () => {
    const page = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (?:`([\w, ]+)` )?\| (.+) \|$/gm)].map(
      ([, name, type, labels, help]) => ({ name, type, labels: labels ? labels.split(', ') : [], help }),
    );
    expect(rows.toSorted(byName)).toEqual(metrics().list().toSorted(byName));
  });
});
