/** What goes wrong with the stand-in for ComfyUI, and how that shows. */
import type { ServerResponse } from 'node:http';

/** Change it at any time. */
export interface Faults {
  /** No event and no picture is sent. */
  silent?: boolean;
  /** Pings get no answer, as on a connection whose other end is gone. */
  deaf?: boolean;
  /** The socket is cut before this picture of a tap (counted from 0), once. */
  dropSocketAtImage?: number | undefined;
  /** So many samplers run out of memory before one does not. */
  outOfMemory?: number;
  /** A node of this class raises an error. */
  failingNode?: string;
  /** A tap, or only the one of this node, stands before this picture until the promise resolves. */
  holdAtImage?: { image: number; until: Promise<void>; node?: string };
  /** The file that a node of this class reads ends too early. */
  damagedFile?: string;
  /** Pictures of another client's prompt are sent before each of ours. */
  foreignPictures?: boolean;
  /** Broken binary messages are sent before each picture. */
  malformedBinary?: boolean;
  /** HTTP answers instead of the right ones: `nothing` ends the connection, `silence` leaves it open. */
  answer?: 'html' | 'error' | 'nothing' | 'silence' | 'other version';
  /** The server keeps the connection and forgets whose it is, before this picture of a tap, once: as after a late end of an older one. */
  forgetClientAtImage?: number | undefined;
  /** Taps send nothing, and the prompt ends well. */
  blockedTaps?: boolean;
  /** Every sound is this long, s, instead of as long as its pictures. */
  soundSeconds?: number;
  /** No prompt is taken: a proxy before the server answers 502. */
  badGateway?: boolean;
  /** How long each sampler step and each picture of a tap takes, ms: for benches. */
  stepMs?: number;
  /** No sampler step and no picture of a tap is done before it resolves. */
  holdSteps?: Promise<void>;
}

/** What the node that has just run raises, as the server tells it; one of `outOfMemory` is used up. */
export function errorIn(nodeClass: string, faults: Faults): object | undefined {
  if (faults.failingNode === nodeClass)
    return { exception_type: 'RuntimeError', exception_message: 'mat1 and mat2 shapes cannot be multiplied\n' };
  if (faults.damagedFile === nodeClass)
    return {
      exception_type: 'safetensors_rust.SafetensorError',
      exception_message: 'Error while deserializing header: incomplete metadata, file not fully covered\n',
    };
  if (nodeClass !== 'SamplerCustomAdvanced' || (faults.outOfMemory ?? 0) <= 0) return undefined;
  faults.outOfMemory = (faults.outOfMemory ?? 0) - 1;
  return { exception_type: 'torch.OutOfMemoryError', exception_message: 'Allocation on device 0 would exceed it.\n' };
}

/** Instead of the right answer. */
export function answerWrongly(answer: NonNullable<Faults['answer']>, response: ServerResponse): void {
  switch (answer) {
    case 'nothing':
      response.destroy();
      break;
    case 'error':
      response.writeHead(500).end('{}');
      break;
    case 'html':
      response.end('<!doctype html><title>Not ComfyUI</title>');
      break;
    case 'other version':
      response.end('{"api":9,"id":"somewhere else"}');
      break;
    default:
  }
}
