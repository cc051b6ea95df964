import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';

const ROOT = join(import.meta.dirname, '../..');
const codes = Object.entries(ERROR_CODES);
describe.each(codes)('%s', (code, { text, status }) => {
  it('has a text in whole sentences, and an HTTP status of an error', () => {
    expect(text).toMatch(/^[A-Z`].{10,}\.$/);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it('is explained in docs/errors.md', () => {
    expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toContain(`| \`${code}\` | ${status} |`);
  });
});
