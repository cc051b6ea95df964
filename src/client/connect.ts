/** Entry point of the SDK: opens a session and returns its stream. */
import { Live } from './live.ts';
import { requireOptions } from './options.ts';
import type { ConnectOptions } from './options.ts';

/**
 * Requests a stream from a Glimpse server. Resolves when the server has accepted; pictures follow within a moment.
 *
 * @example
 * const live = await connect({ url: 'http://127.0.0.1:8080', prompt: 'a red ball over a green meadow' });
 * video.srcObject = live.stream;
 * await live.setPrompt('a red ball over a green meadow at night');
 *
 * @throws GlimpseClientError the server's reason for a refusal, PROMPT_EMPTY without a prompt, CONNECTION_LOST when
 *   the server cannot be reached, ABORTED
 */
export async function connect(options: ConnectOptions): Promise<Live> {
  requireOptions(options);
  const live = new Live(options);
  await live.start();
  return live;
}
