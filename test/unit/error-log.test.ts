import { describe, expect, it } from 'vitest';
import { ErrorLog } from '../../src/error-log.ts';
import { ERROR_CODES, GlimpseError, type ErrorCode } from '../../src/errors.ts';

const down = (message: string) => new GlimpseError('GENERATOR_DOWN', { message });

describe('what viewers hear of a failure of the installation', () => {
  it.each(['GENERATOR_DOWN', 'WORKFLOW_INVALID', 'MODEL_INVALID', 'ENCODER_FAILED', 'INTERNAL', 'AUTH_DOWN'] as const)(
    '%s is the text of the table, whatever the message names',
    (code: ErrorCode) => {
      const error = new GlimpseError(code, { message: 'http://op:secret@10.0.0.7/ and /srv/models' });
      expect(error.toJSON().message).toBe(ERROR_CODES[code].text);
      expect(error.message).toContain('10.0.0.7');
    },
  );

  it('and what is wrong with their own request is said in its own words', () => {
    const error = new GlimpseError('PARAMETER_INVALID', { message: 'steps must be 1 to 100' });
    expect(error.toJSON().message).toBe('steps must be 1 to 100');
  });
});

describe('ErrorLog', () => {
  it('tells of a failure once a minute, with how often it came, and of viewers’ mistakes never', () => {
    const lines: unknown[][] = [];
    let nowMs = 0;
    const errors = new ErrorLog({ error: (...words: unknown[]) => void lines.push(words) }, () => nowMs);
    for (let times = 0; times < 5; times++) errors.note(down('a'), 'a session failed');
    errors.note(down('b'), 'a session failed');
    errors.note(new GlimpseError('PROMPT_EMPTY'), 'a session failed');
    expect(lines).toHaveLength(2);
    nowMs = 60_000;
    errors.note(down('a'), 'a session failed');
    expect(lines[2]).toMatchObject([{ repeated: 4 }, 'a session failed']);
  });
});
