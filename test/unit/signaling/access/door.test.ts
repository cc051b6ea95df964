import { describe, expect, it } from 'vitest';
import { ClientAddresses } from '../../../../signaling/access/addresses.ts';
import { bearerToken, upgradeToken } from '../../../../signaling/access/credentials.ts';
import { isLoopback, originAllowed, parseOrigins } from '../../../../signaling/access/origins.ts';
import { accessOf, metricsPlaceOf, warnings } from '../../../../signaling/access/settings.ts';
import { loadConfig } from '../../../../src/config/config.ts';
import { silentLog } from '../../../../src/log.ts';
import { Metrics } from '../../../../src/metrics/metrics.ts';
import { SECRET } from '../../../support/tokens.ts';

const config = (flags: Record<string, unknown> = {}) => loadConfig({ flags, environment: {} });
const open = (flags: Record<string, unknown>) =>
  accessOf(config(flags), { metrics: new Metrics({ processMetrics: false }), log: silentLog });

describe('origins', () => {
  it('of this machine are those of loopback, whatever the Host header says', () => {
    const policy = { kind: 'loopback' } as const;
    const own = ['http://localhost:5173', 'http://127.0.0.1:8080', 'https://[::1]', 'http://app.localhost:5173'];
    for (const origin of [...own, 'http://a.b.localhost', 'tauri://localhost', undefined])
      expect(originAllowed(policy, origin, 'rebound.example'), origin).toBe(true);
    for (const origin of [
      'http://rebound.example',
      'null',
      'http://localhost.example',
      'http://notlocalhost',
      'http://127.0.0.1.example',
    ])
      expect(originAllowed(policy, origin, 'rebound.example'), origin).toBe(false);
  });

  it('of the same host, or of a list, are matched exactly', () => {
    expect(originAllowed({ kind: 'same-host' }, 'https://a.example', 'a.example')).toBe(true);
    expect(originAllowed({ kind: 'same-host' }, 'https://b.example', 'a.example')).toBe(false);
    expect(originAllowed({ kind: 'same-host' }, 'https://a.example', 'A.example:443')).toBe(true);
    expect(originAllowed({ kind: 'same-host' }, 'http://a.example', 'a.example:443')).toBe(false);
    expect(originAllowed({ kind: 'same-host' }, 'null', '')).toBe(false);
    expect(originAllowed({ kind: 'same-host' }, 'tauri://localhost', 'localhost')).toBe(true);
    const list = parseOrigins('https://a.example, http://localhost:5173')!;
    expect(originAllowed(list, 'https://A.example', undefined)).toBe(true);
    for (const origin of ['http://a.example', 'https://a.example:444', 'https://sub.a.example', 'null'])
      expect(originAllowed(list, origin, undefined), origin).toBe(false);
    expect(parseOrigins('a.example')).toBeUndefined();
    expect(parseOrigins('https://a.example/path')).toBeUndefined();
    expect(parseOrigins('*')).toEqual({ kind: 'any' });
  });

  it.each(['tauri://localhost', 'capacitor://localhost', 'app://.', 'chrome-extension://abcdefgh', 'file://', 'null'])(
    'of an app, %s, are compared as they are written',
    (origin) => {
      const list = parseOrigins(`https://a.example, ${origin}`)!;
      expect(originAllowed(list, origin, undefined)).toBe(true);
      expect(originAllowed(list, `${origin}x`, undefined)).toBe(false);
    },
  );

  it.each(['tauri://localhost/', 'tauri:localhost', 'tauri', 'https://a.example:443', '://a', ''])(
    'are not written as "%s"',
    (entry) => {
      expect(parseOrigins(entry)).toBeUndefined();
    },
  );

  it('under .localhost are of this machine, but no address to bind without tokens', async () => {
    await expect(open({ host: 'app.localhost' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('addresses', () => {
  it('are taken from X-Forwarded-For only as far as trusted proxies wrote it', () => {
    const behind = new ClientAddresses('10.0.0.0/8, ::1');
    expect(behind.of('10.0.0.1', '6.6.6.6, 192.0.2.7')).toBe('192.0.2.7');
    expect(behind.of('10.0.0.1', '6.6.6.6, 192.0.2.7, 10.9.9.9')).toBe('192.0.2.7');
    expect(behind.of('192.0.2.1', '6.6.6.6')).toBe('192.0.2.1');
    expect(behind.of('::ffff:10.0.0.1', 'nonsense')).toBe('10.0.0.1');
    expect(new ClientAddresses().of('10.0.0.1', '6.6.6.6')).toBe('10.0.0.1');
    expect(new ClientAddresses().of(undefined, undefined)).toBe('unknown');
  });

  it.each([
    ['203.0.113.17:41122', '203.0.113.17'],
    ['"203.0.113.17:41122"', '203.0.113.17'],
    ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['"[2001:db8:1:2::9]:4711"', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['[::ffff:203.0.113.17]:80', '203.0.113.17'],
    ['unknown', '10.0.0.1'],
    ['_hidden:80', '10.0.0.1'],
    ['203.0.113.17:x', '10.0.0.1'],
    ['[203.0.113.17', '10.0.0.1'],
  ])('are read without the port of %s', (hop, address) => {
    expect(new ClientAddresses('10.0.0.0/8').of('10.0.0.1', hop)).toBe(address);
  });

  it('of IPv6 are one a line: the /64', () => {
    const addresses = new ClientAddresses();
    expect(addresses.of('2001:db8:1:2:3:4:5:6', undefined)).toBe('2001:db8:1:2::/64');
    expect(addresses.of('2001:0db8:1:2::9', undefined)).toBe('2001:db8:1:2::/64');
    expect(addresses.of('2001:db8::1', undefined)).toBe('2001:db8:0:0::/64');
  });

  it.each(['10.0.0.0/99', 'proxy.example', '10.0.0.0/'])('refuse "%s" as a proxy', (entry) => {
    expect(() => new ClientAddresses(entry)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('credentials', () => {
  it('are read from the header and from the subprotocol, and from nothing else', () => {
    expect(bearerToken('Bearer a.b.c')).toBe('a.b.c');
    expect(bearerToken('bearer  a.b.c ')).toBe('a.b.c');
    expect(bearerToken('Basic a.b.c')).toBeUndefined();
    expect(upgradeToken({ 'sec-websocket-protocol': 'glimpse.v1, glimpse.token.a.b.c' })).toBe('a.b.c');
    expect(upgradeToken({ authorization: 'Bearer d.e.f' })).toBe('d.e.f');
    expect(upgradeToken({})).toBeUndefined();
  });
});

describe('the settings of the door', () => {
  it('let other machines in only with tokens, or when told so in so many words', async () => {
    for (const host of ['0.0.0.0', '192.0.2.1', '::', 'glimpse.example'])
      await expect(open({ host }), host).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    for (const flags of [{ host: '0.0.0.0', insecureNoAuth: true }, { host: '0.0.0.0', authSecret: SECRET }, {}])
      (await open(flags)).close();
    expect(isLoopback('127.8.8.8') && isLoopback('::1') && isLoopback('localhost')).toBe(true);
  });

  it('say loudly that there are no tokens', () => {
    expect(warnings(config())).toEqual([expect.stringContaining('DEVELOPMENT MODE')]);
    expect(warnings(config({ host: '0.0.0.0', insecureNoAuth: true }))[0]).toContain('INSECURE');
    expect(warnings(config({ authSecret: SECRET, metricsPort: 9464 }))).toEqual([]);
    expect(warnings(config({ authSecret: SECRET, metricsPort: 9464, metricsHost: '0.0.0.0' }))).toHaveLength(1);
  });

  it('keep metrics off a port that other machines reach', () => {
    expect(metricsPlaceOf(config())).toBe('here');
    expect(metricsPlaceOf(config({ host: '0.0.0.0', insecureNoAuth: true }))).toBe('nowhere');
    expect(metricsPlaceOf(config({ authSecret: SECRET }))).toBe('nowhere');
    expect(metricsPlaceOf(config({ metricsPort: 9464 }))).toEqual({ host: '127.0.0.1', port: 9464 });
  });

  it.each([
    ['a secret that is short', { authSecret: 'short' }],
    ['origins that are none', { allowedOrigins: 'a.example' }],
    ['proxies that are none', { trustedProxies: 'proxy.example' }],
    ['key files that are none', { authJwks: '/nothing.json' }],
  ])('refuse %s', async (_, flags) => {
    await expect((async () => open(flags))()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
