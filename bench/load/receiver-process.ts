/** Many viewers in a process of their own, so that what is measured is the service and not its audience. */
import { openReceiver, type LoadReceiver } from '../support/wire/load-receiver.ts';

export type ReceiverCommand =
  | { type: 'open'; id: number; url: string; query: Record<string, string> }
  | { type: 'close'; id: number };
export type ReceiverReport =
  | { type: 'opened'; id: number; location: string }
  | { type: 'failed'; id: number; why: string }
  | { type: 'closed'; id: number }
  | { type: 'frames'; counts: [id: number, frames: number][] };

const REPORT_MS = 1_000;

const receivers = new Map<number, LoadReceiver>();
const report = (message: ReceiverReport): void => void process.send?.(message);

async function open(id: number, url: string, query: Record<string, string>): Promise<void> {
  try {
    const receiver = await openReceiver(url, query);
    receivers.set(id, receiver);
    report({ type: 'opened', id, location: receiver.location });
  } catch (error) {
    report({ type: 'failed', id, why: error instanceof Error ? error.message : String(error) });
  }
}

async function close(id: number): Promise<void> {
  const receiver = receivers.get(id);
  receivers.delete(id);
  await receiver?.close();
  report({ type: 'closed', id });
}

process.on('message', (command: ReceiverCommand) => {
  if (command.type === 'open') void open(command.id, command.url, command.query);
  else void close(command.id);
});
setInterval(() => {
  const counts = [...receivers].map(([id, receiver]): [number, number] => [id, receiver.frames]);
  report({ type: 'frames', counts });
}, REPORT_MS);
