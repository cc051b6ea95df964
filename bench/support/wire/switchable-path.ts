/**
 * A UDP path between a browser and the service that a test can cut, mend and move to another port, as a network that
 * changes does. The browser is told the path in place of every address of the service.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from 'playwright-core';

interface PathWindow {
  pathPort: number;
  servicePort: number;
}

export class SwitchablePath implements AsyncDisposable {
  /** While true nothing passes. */
  cut = false;
  readonly #servicePort: number;
  #front: Socket | undefined;
  #upstreams = new Map<string, Socket>();

  private constructor(servicePort: number) {
    this.#servicePort = servicePort;
  }

  /** Call before the page connects. @param servicePort of the service's media */
  static async open(page: Page, servicePort: number): Promise<SwitchablePath> {
    const path = new SwitchablePath(servicePort);
    await page.evaluate((port) => {
      const shared = window as unknown as PathWindow;
      shared.servicePort = port;
      const original = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, 'setRemoteDescription');
      RTCPeerConnection.prototype.setRemoteDescription = function rewritten(description) {
        const toService = new RegExp(` \\S+ ${shared.servicePort} `, 'g');
        const sdp = description.sdp?.replaceAll(toService, ` 127.0.0.1 ${shared.pathPort} `);
        const changed: RTCSessionDescriptionInit = { type: description.type, sdp: sdp ?? '' };
        return Reflect.apply(original?.value as () => Promise<void>, this, [changed]);
      };
    }, servicePort);
    await path.move(page);
    return path;
  }

  /** Ends the present path for good and opens another; the next answer leads to it. */
  async move(page: Page): Promise<void> {
    await this.#close();
    const front = createSocket('udp4');
    front.on('message', (datagram, from) => {
      if (!this.cut) this.#upstream(front, from.address, from.port).send(datagram, this.#servicePort, '127.0.0.1');
    });
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    this.#front = front;
    await page.evaluate((port) => {
      (window as unknown as PathWindow).pathPort = port;
    }, front.address().port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  #upstream(front: Socket, address: string, port: number): Socket {
    const key = `${address}:${port}`;
    const known = this.#upstreams.get(key);
    if (known) return known;
    const upstream = createSocket('udp4');
    upstream.on('message', (datagram) => {
      if (!this.cut) front.send(datagram, port, address);
    });
    upstream.on('error', () => {});
    this.#upstreams.set(key, upstream);
    return upstream;
  }

  async #close(): Promise<void> {
    const sockets = [...(this.#front ? [this.#front] : []), ...this.#upstreams.values()];
    this.#upstreams = new Map();
    this.#front = undefined;
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}
