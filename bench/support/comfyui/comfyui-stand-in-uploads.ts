/** `POST /upload/image` of the stand-in for ComfyUI. */
import type { IncomingMessage } from 'node:http';

/** Keeps the file under the name that a loader is told. @returns the server's answer */
export async function storeUpload(
  request: IncomingMessage,
  body: Buffer,
  uploads: Map<string, Uint8Array>,
): Promise<object> {
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const form = await new Response(new Uint8Array(body), { headers }).formData();
  const image = form.get('image') as File;
  const type = form.get('type') as string;
  const name = type === 'input' ? image.name : `${image.name} [${type}]`;
  uploads.set(name, new Uint8Array(await image.arrayBuffer()));
  return { name: image.name, subfolder: '', type };
}
