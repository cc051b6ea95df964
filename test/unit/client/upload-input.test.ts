import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { removeInput, uploadInput } from '../../../src/client/index.ts';

const servers: Server[] = [];

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/page/`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const file = new Blob(['…'], { type: 'image/png' });

describe('uploadInput', () => {
  it('posts the file with its type and the token, and gives its id', async () => {
    const asked: unknown[] = [];
    const url = await serve(({ method, url: path, headers }, response) => {
      asked.push(method, path, headers['content-type'], headers.authorization);
      response.writeHead(201).end('{"id":"abc","kind":"image","bytes":3,"expiresInMs":1000}');
    });
    expect(await uploadInput(file, { url, token: 'a.b.c' })).toMatchObject({ id: 'abc', kind: 'image' });
    expect(asked).toEqual(['POST', '/page/v1/inputs', 'image/png', 'Bearer a.b.c']);
  });

  it('takes one back', async () => {
    const asked: unknown[] = [];
    const url = await serve(({ method, url: path }, response) => {
      asked.push(method, path);
      response.writeHead(204).end();
    });
    await removeInput('a/b', { url });
    expect(asked).toEqual(['DELETE', '/page/v1/inputs/a%2Fb']);
  });

  it("rejects with the server's code and words", async () => {
    const error = { code: 'INPUT_LIMIT', message: 'Uploads take …', retryable: true, retryAfterMs: 900 };
    const url = await serve((_, response) => response.writeHead(429).end(JSON.stringify({ error })));
    await expect(uploadInput(file, { url })).rejects.toMatchObject(error);
  });

  it('says CONNECTION_LOST when something else answers, or nothing', async () => {
    const url = await serve((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));
    await expect(uploadInput(file, { url })).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    const silent = await serve(({ socket }) => socket.destroy());
    await expect(uploadInput(file, { url: silent })).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('can be given up', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort());
    await expect(uploadInput(file, { url, signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
