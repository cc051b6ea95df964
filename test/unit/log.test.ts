import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { createLog, silentLog } from '../../src/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  write(createLog({ level: 'debug', destination: { write: (line) => void (text += line) } }));
  return text;
}

describe('createLog', () => {
  it('writes one JSON line with the level as a word', () => {
    const line = JSON.parse(logged((log) => log.info({ sessions: 2 }, 'serving')));
    expect(line).toMatchObject({ level: 'info', sessions: 2, msg: 'serving' });
  });

  it('redacts prompts, SDP and tokens at any depth in use', () => {
    const secret = 'a secret meadow';
    const text = logged((log) => {
      log.info({ prompt: secret, sdp: secret, resumeToken: secret }, 'x');
      log.info({ request: { prompt: secret }, message: { request: { prompt: secret, offer: secret } } }, 'x');
      log.info({ err: new GlimpseError('INTERNAL', { details: { prompt: secret } }) }, 'x');
    });
    expect(text).not.toContain(secret);
  });

  it('leaves out the message of a foreign error, which may quote its input', () => {
    const text = logged((log) => {
      try {
        JSON.parse('a secret meadow\n    at night');
      } catch (error) {
        log.error({ err: new GlimpseError('INTERNAL', { cause: error }) }, 'x');
        log.error({ err: error }, 'x');
        log.error({ err: error });
        log.error(error as Error);
      }
    });
    expect(text).not.toMatch(/secret|meadow|at night/);
    expect(text).toContain('SyntaxError');
    expect(text).toContain('log.test.ts');
  });
});

it('silentLog writes nothing', () => {
  expect(silentLog.isLevelEnabled('fatal')).toBe(false);
});
