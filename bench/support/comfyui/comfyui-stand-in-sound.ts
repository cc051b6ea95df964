/** Sound of the stand-in for ComfyUI: a ramp from -1 to 1, so that any sample tells its time; WAV, 48 kHz, stereo. */
import type { Graph } from '../../../src/generation/comfyui/workflows/graph.ts';

const RATE_HZ = 48_000;
const HEADER_BYTES = 44;

/** Seconds of the sound of a graph: as many frames as its empty latent has. */
export function soundSecondsOf(graph: Graph): number {
  const node = Object.values(graph).find(({ class_type }) => class_type === 'LTXVEmptyLatentAudio');
  return node === undefined ? 0 : Number(node.inputs['frames_number']) / Number(node.inputs['frame_rate']);
}

export function rampWav(seconds: number): Buffer {
  const samples = Math.round(seconds * RATE_HZ);
  const wav = Buffer.alloc(HEADER_BYTES + samples * 4);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  // 16 bytes of format: PCM, two channels, 16 bits each.
  for (const [offset, value] of [
    [16, 16],
    [24, RATE_HZ],
    [28, RATE_HZ * 4],
  ] as const)
    wav.writeUInt32LE(value, offset);
  for (const [offset, value] of [
    [20, 1],
    [22, 2],
    [32, 4],
    [34, 16],
  ] as const)
    wav.writeUInt16LE(value, offset);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples * 4, 40);
  for (let index = 0; index < samples; index++) {
    const value = Math.round(((2 * index) / samples) * 32_767 - 32_767);
    wav.writeInt16LE(value, HEADER_BYTES + index * 4);
    wav.writeInt16LE(value, HEADER_BYTES + index * 4 + 2);
  }
  return wav;
}

/** What the `executed` event of a node that stored sound, and the history, tell of it. */
export const soundOutput = (id: string, nodeId: string): object => ({
  audio: [{ filename: `${id}-${nodeId}`, subfolder: '', type: 'temp' }],
});
