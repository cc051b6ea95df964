/** Writes the pages that are made from tables in the code: `node scripts/write-docs.ts`. A test fails when they are stale. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarioJsonSchema } from '../bench/link/scenario.ts';
import { configOptions } from '../src/config/config.ts';
import { ERROR_CODES } from '../src/errors.ts';
import { Metrics } from '../src/metrics/metrics.ts';

/** Text of each generated page by its path in the repository. */
export const generatedDocs = (): Record<string, string> => ({
  'docs/errors.md': errorsPage(),
  'docs/configuration.md': configurationPage(),
  'docs/metrics.md': metricsPage(),
  'docs/scenario.schema.json': `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`,
});

function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, retryable, text }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${text} |`,
  );
  return page('Which errors can I get?', [
    'Over HTTP as `{"error": {"code", "message", "retryable", "retryAfterMs"?}}` with the status; over the WebSocket and the',
    'data channel as an `error` message; in the SDK as `GlimpseClientError`. Switch on `code`; the text may change.',
    '',
    '| code | HTTP status | try again? | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
  ]);
}

function configurationPage(): string {
  const rows = configOptions().map(
    ({ key, flag, environment, description, defaultValue }) =>
      `| \`${flag}\` | \`${environment}\` | \`${key}\` | ${defaultValue === undefined ? '' : `\`${String(defaultValue)}\``} | ${description} |`,
  );
  return page('How do I configure the service?', [
    'A flag counts before its environment variable, that before the JSON file of `--config`, that before the default.',
    '',
    '| flag | environment | in the file | default | what it is; what a change does |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ]);
}

function metricsPage(): string {
  const rows = new Metrics({ processMetrics: false })
    .list()
    .map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.length > 0 ? `\`${labels.join(', ')}\`` : ''} | ${help} |`,
    );
  return page('What does the service measure of itself?', [
    '`GET /metrics` answers in the Prometheus text format. Durations are in seconds. A latency is measured between exactly the',
    'two instants named here ([`src/metrics/latencies.ts`](../src/metrics/latencies.ts) defines them; the rest is in',
    '[`src/metrics/definitions.ts`](../src/metrics/definitions.ts)). Labels take values from closed sets only: nothing a viewer',
    'sends becomes a label. `workflow` is what makes the pictures (`glimpse-s`, `t2v-distilled`, …), so that each has a baseline of',
    'its own. Alert rules and a dashboard for all of it are in [`deploy/`](../deploy).',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    "Beside these stand prom-client's default process metrics (`process_*`, `nodejs_*`): CPU, memory, event-loop lag, garbage",
    'collection. `glassToGlassMs`, from a frame being ready in the server to its being presented in the browser, can only be',
    'measured by the viewer, so no metric holds it; the page shows it, and `npm run bench -- latency` measures it.',
  ]);
}

const page = (title: string, lines: readonly string[]): string =>
  `# ${title}\n\n<!-- Written by scripts/write-docs.ts. -->\n\n${lines.join('\n')}\n`;

if (import.meta.main)
  for (const [path, text] of Object.entries(generatedDocs()))
    writeFileSync(join(import.meta.dirname, '..', path), text);
