import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../../scripts/write-docs.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('generated docs', () => {
  it.each(Object.entries(generatedDocs()))('%s matches the code (node scripts/write-docs.ts)', (path, text) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
  });
});
