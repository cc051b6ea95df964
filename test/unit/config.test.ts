import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configOptions, loadConfig } from '../../src/config/config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'glimpse-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('config', () => {
  it('takes the flag before the environment before the file before the default', () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ port: 1, rtcPort: 2, maxSessions: 3 }));
    const config = loadConfig({
      flags: { port: '11' },
      environment: { GLIMPSE_PORT: '21', GLIMPSE_RTC_PORT: '22' },
      file,
    });
    expect(config).toMatchObject({ port: 11, rtcPort: 22, maxSessions: 3, host: '127.0.0.1' });
  });

  it('takes an empty variable for none', () => {
    expect(loadConfig({ flags: {}, environment: { GLIMPSE_PORT: '', GLIMPSE_MODEL: '' } })).toMatchObject({
      port: 8080,
      model: 'auto',
    });
  });

  it.each([
    ['GLIMPSE_PORT', 'tcp://10.96.0.12:8080', 8080],
    ['GLIMPSE_PORT', 'udp://10.96.0.12:8080', 8080],
  ])('leaves a service link of Kubernetes aside, %s=%s, and says so', (name, link, port) => {
    const told: string[] = [];
    const onWarning = (text: string) => void told.push(text);
    expect(loadConfig({ flags: {}, environment: { [name]: link }, onWarning }).port).toBe(port);
    expect(told).toEqual([expect.stringMatching(/^GLIMPSE_PORT=.*Kubernetes/)]);
    expect(loadConfig({ flags: { port: '7' }, environment: { [name]: link } }).port).toBe(7);
  });

  it('leaves the schema that a file names to its editor', () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ $schema: './x.json', port: 81 }));
    expect(loadConfig({ flags: {}, environment: {}, file }).port).toBe(81);
  });

  it('names what is wrong', () => {
    const load = () => loadConfig({ flags: { port: 'many', generator: 'magic' }, environment: {} });
    expect(load).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('port') }));
    expect(load).toThrow(expect.objectContaining({ message: expect.stringContaining('generator') }));
  });

  it('refuses a setting it does not know, and a file that is no JSON', () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, '{"prot": 80}');
    expect(() => loadConfig({ flags: {}, environment: {}, file })).toThrow(/prot/);
    writeFileSync(file, 'port: 80');
    expect(() => loadConfig({ flags: {}, environment: {}, file })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('takes secrets from files, without their last line end', () => {
    const file = join(folder, 'secret');
    const secret = 's3cret '.repeat(8).trim();
    writeFileSync(file, `${secret}\n`);
    const environment = { GLIMPSE_AUTH_SECRET_FILE: file, GLIMPSE_TURN_CREDENTIAL_FILE: file };
    const config = loadConfig({ flags: { turnSecretFile: file }, environment });
    expect(config).toMatchObject({ authSecret: secret, turnSecret: secret, turnCredential: secret });
    const refused = (flags: object) => () => loadConfig({ flags, environment: {} });
    expect(refused({ authSecretFile: file, authSecret: secret })).toThrow(/authSecretFile: give only one/);
    expect(refused({ authSecretFile: '/nowhere' })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    writeFileSync(file, 'short');
    expect(refused({ authSecretFile: file })).toThrow(/authSecret/);
  });

  it('describes every setting by flag, environment and consequence', () => {
    for (const option of configOptions()) {
      expect(option.description.length).toBeGreaterThan(10);
      expect(option.flag).toMatch(/^--[a-z-]+$/);
      expect(option.environment).toMatch(/^GLIMPSE_[A-Z_]+$/);
    }
    expect(configOptions().find(({ key }) => key === 'rtcAnnounce')?.flag).toBe('--rtc-announce');
  });
});
