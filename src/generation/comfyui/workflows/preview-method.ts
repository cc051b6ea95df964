/** How a server can draw previews of LTX-2. */
import type { ObjectInfo } from '../server/wire.ts';
import { choicesOf } from './workflow-check.ts';
import type { PreviewMethod } from './workflow.ts';

/** How ComfyUI calls the tiny decoder of LTX-2 where its file is there. */
const TINY_DECODER = 'taeltx_2';

/** By the tiny decoder where all servers have its file, else by colours alone. */
export function previewMethodOf(servers: readonly ObjectInfo[]): PreviewMethod {
  const has = (info: ObjectInfo): boolean => {
    const spec = info['VAELoader']?.input.required?.['vae_name'];
    return (
      (spec && choicesOf(spec))?.some((name) => typeof name === 'string' && name.startsWith(TINY_DECODER)) === true
    );
  };
  return servers.length > 0 && servers.every(has) ? 'taesd' : 'latent2rgb';
}
