/**
 * The data channel `control` (RFC 8831, RFC 8832) over werift's SCTP: text both ways with a bounded buffer. werift does
 * not catch rejections of its SCTP handlers, so one malformed message from a client would end the process. Here each
 * rejection is caught and ends only this peer. `sctp/guard.ts` keeps packets away that the association cannot handle.
 */
import { Event, RTCSctpTransport, type RTCDataChannel, type RTCDtlsTransport } from 'werift';
import { Emitter } from '../../events.ts';
import { LIMITS } from '../../limits.ts';
import { boundReceiving, type SctpAssociation } from './sctp/association.ts';
import { SctpGuard } from './sctp/guard.ts';

const LABEL = 'control';
const SCTP_PORT = 5000;
/** Receive window: two messages of the largest size, and a reserve. */
const WINDOW_BYTES = 256 * 1024;

export interface ControlEvents {
  text: [text: string];
  /** The association failed; no further events follow. */
  failed: [error: unknown];
}

/** The members of werift's SCTP transport that we wrap. */
interface GuardedSctp {
  /** The association; its own reader ignores the promise. */
  sctp: SctpAssociation;
  datachannelReceive: (stream: number, protocol: number, data: Buffer) => Promise<void>;
  dataChannelFlush: () => Promise<void>;
}

export class ControlChannel {
  readonly events = new Emitter<ControlEvents>();
  readonly #transport: RTCSctpTransport;
  readonly #guard: SctpGuard;
  #channel: RTCDataChannel | undefined;
  #closed = false;
  #failed = false;

  /**
   * @param send takes one SCTP packet to the DTLS association
   * @param remotePort `a=sctp-port` of the offer
   */
  constructor(send: (packet: Buffer) => void, remotePort: number) {
    this.#transport = new RTCSctpTransport(SCTP_PORT, LIMITS.messageMaxBytes);
    const fail = (error: unknown): void => this.#fail(error);
    guardRejections(guarded(this.#transport), fail);
    // All that RTCSctpTransport uses of its DTLS transport (werift 0.25.2 webrtc/src/transport/sctp.js).
    const dtls = {
      id: 'control',
      state: 'connected',
      onStateChange: new Event<[string]>(),
      iceTransport: { role: 'controlled' },
      dataReceiver: () => {},
      sendData: async (packet: Buffer) => send(packet),
    };
    this.#transport.setDtlsTransport(dtls as unknown as RTCDtlsTransport);
    const { sctp } = guarded(this.#transport);
    boundReceiving(sctp, WINDOW_BYTES);
    this.#guard = new SctpGuard(sctp);
    this.#transport.onDataChannel.subscribe((channel) => this.#adopt(channel));
    this.#transport.start(remotePort).catch(fail);
  }

  /**
   * Takes one decrypted SCTP packet.
   * @returns false when it was dropped, as if lost
   */
  receive(packet: Buffer, nowUs: number): boolean {
    if (this.#closed || this.#failed) return false;
    const verdict = this.#guard.judge(packet, nowUs);
    if (verdict === 'fail') this.#fail(new RangeError('an SCTP packet that breaks RFC 9260'));
    if (verdict !== 'take') return false;
    guarded(this.#transport)
      .sctp.handleData(packet)
      .catch((error: unknown) => this.#fail(error));
    return true;
  }

  /** False when the channel is not open or its buffer is full. */
  send(text: string): boolean {
    const channel = this.#channel;
    if (this.#closed || channel?.readyState !== 'open') return false;
    if (channel.bufferedAmount + Buffer.byteLength(text) > LIMITS.dataChannelBacklogMaxBytes) return false;
    channel.send(text);
    return true;
  }

  /** Aborts the association and stops its timers. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.events.clear();
    await this.#transport.stop().catch(() => {});
  }

  #adopt(channel: RTCDataChannel): void {
    if (Object.keys(this.#transport.dataChannels).length > LIMITS.dataChannelsMax) {
      return this.#fail(new RangeError('too many data channels'));
    }
    if (channel.label !== LABEL) return;
    this.#channel = channel;
    channel.onMessage.subscribe((message) => {
      if (typeof message === 'string') this.events.emit('text', message);
    });
  }

  #fail(error: unknown): void {
    if (this.#closed || this.#failed) return;
    this.#failed = true;
    this.events.emit('failed', error);
  }
}

function guarded(transport: RTCSctpTransport): GuardedSctp {
  return transport as unknown as GuardedSctp;
}

function guardRejections(transport: GuardedSctp, fail: (error: unknown) => void): void {
  const receive = transport.datachannelReceive.bind(transport);
  const flush = transport.dataChannelFlush.bind(transport);
  transport.datachannelReceive = (stream, protocol, data) => receive(stream, protocol, data).catch(fail);
  transport.dataChannelFlush = () => flush().catch(fail);
}
