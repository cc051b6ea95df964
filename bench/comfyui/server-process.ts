/** The stand-in ComfyUI as a process: what it costs to encode and send pictures must not be in this process's figures. */
import { ComfyStandIn } from '../support/comfyui/comfyui-stand-in.ts';
import { texturedPng } from './picture.ts';

const standIn = await ComfyStandIn.start({ tapPicture: texturedPng(960, 544) });
process.on('message', (faults: object) => {
  Object.assign(standIn.faults, faults);
  if ('dropClient' in faults) standIn.dropClient(String(faults.dropClient));
  process.send?.('set');
});
process.on('disconnect', () => void standIn.close());
process.send?.(standIn.url);
