/** The echo server in a process of its own: libwebrtc aborts its process when that ends by itself. */
import { startEchoServer } from './echo-server.ts';

process.send?.(await startEchoServer());
