/** The service before a ComfyUI server that is late, odd or broken: what the operator sees, and what viewers hear. */
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { eventually } from '../support/eventually.ts';
import { dial, offerSdp } from '../support/pattern-service.ts';

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

async function start(comfyuiUrl: string): Promise<{ service: Service; logged: () => string }> {
  const lines: string[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  const flags = { port: 0, generator: 'comfyui', comfyuiUrl, comfyuiSize: '256x256' };
  const log = createLog({ level: 'warn', destination });
  const service = await startService(loadConfig({ flags, environment: {} }), { log });
  opened.defer(() => service.close('test over'));
  return { service, logged: () => lines.join('') };
}

describe('a service whose ComfyUI', () => {
  it('fails tells viewers no address, user or password, and the operator the address', async () => {
    const standIn = await ComfyStandIn.start();
    opened.use(standIn);
    const { service, logged } = await start(`http://op:TopSecretPw@127.0.0.1:${standIn.port}/`);
    await service.ready;
    standIn.faults.badGateway = true;
    const viewer = dial(service);
    await viewer.next('welcome');
    viewer.send({ type: 'offer', sdp: offerSdp(), request: { prompt: 'sea' } });
    const { code } = await viewer.next('error');
    expect(code).toBe('GENERATOR_DOWN');
    const heard = JSON.stringify(viewer.received.filter(({ type }) => type === 'error'));
    expect(heard).not.toMatch(/TopSecretPw|op:|127\.0\.0\.1|http/);
    await eventually(() => expect(logged()).toContain(`http://127.0.0.1:${standIn.port}/`));
    expect(logged()).not.toMatch(/TopSecretPw/);
    viewer.socket.terminate();
  });

  it('is started later is ready then, and says meanwhile that it waits', async () => {
    const placeholder = await ComfyStandIn.start();
    const { port } = placeholder;
    await placeholder.close();
    const { service, logged } = await start(`http://127.0.0.1:${port}`);
    await eventually(() => expect(logged()).toContain('waiting for the generator'));
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
    opened.use(await ComfyStandIn.start({}, port));
    await service.ready;
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  it('never comes can be ended', async () => {
    const { service } = await start('http://127.0.0.1:1');
    await service.close('test over');
    await expect(service.ready).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('has odd extensions starts all the same', async () => {
    const odd =
      '"MeshNode":{"input":{"required":{"image":["IMAGE"]}},"output":"IMAGE"},"Odd":{"input":{"required":{"x":["INT",{"max":Infinity}]}},"output":[]},';
    const standIn = await ComfyStandIn.start({ oddNodes: odd });
    opened.use(standIn);
    const { service } = await start(standIn.url);
    expect(await service.ready).toBeUndefined();
  });
});
