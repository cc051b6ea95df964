/** The one way in: opens a session and hands out its stream. */
import { Live } from './live.ts';
import { requireOptions } from './options.ts';
import type { ConnectOptions } from './options.ts';

/**
 * Asks a Glimpse server for a stream; resolves when it has accepted, and pictures follow within a moment.
 *
 * @example
 * const live = await connect({ url: 'http://127.0.0.1:8080', prompt: 'a red ball over a green meadow' });
 * video.srcObject = live.stream;
 * await live.setPrompt('a red ball over a green meadow at night');
 *
 * @throws GlimpseClientError why the server refused, PROMPT_EMPTY without a prompt, CONNECTION_LOST when it cannot be
 *   reached, ABORTED
 */
export async function connect(options: ConnectOptions): Promise<Live> {
  requireOptions(options);
  const live = new Live(options);
  await live.start();
  return live;
}
