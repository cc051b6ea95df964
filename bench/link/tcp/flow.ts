/** A TCP download over the virtual link: data forward, an acknowledgement back for every segment, one timer. */
import type { Flow, FlowContext } from '../flow.ts';
import { ACK_BYTES, SEGMENT_BYTES, TcpSender } from './sender.ts';
import { Transfers, type TransferPlan } from './transfers.ts';
import type { CongestionWindow } from './window.ts';

export interface TcpFlowOptions extends FlowContext {
  createWindow: () => CongestionWindow;
  /** Undefined: one transfer that lasts as long as the flow. */
  transfer: TransferPlan | undefined;
}

export class TcpFlow implements Flow {
  readonly targetBps = undefined;
  readonly #options: TcpFlowOptions;
  readonly #transfers: Transfers;
  #sender: TcpSender | undefined;
  #timerUs = Infinity;

  constructor(options: TcpFlowOptions) {
    this.#options = options;
    this.#transfers = new Transfers(options.transfer, options.random);
  }

  start(): void {
    if (this.#options.transfer) this.#pause();
    else this.#begin();
  }

  stop(): void {
    this.#sender = undefined;
  }

  /** Each file is a connection of its own, as the first request of a page is. */
  #begin(): void {
    this.#sender = new TcpSender(this.#options.createWindow());
    this.#transfers.begin();
    this.#send(this.#sender);
  }

  #pause(): void {
    const { time } = this.#options;
    const waiting = new TcpSender(this.#options.createWindow());
    this.#sender = waiting;
    time.at(time.nowUs() + this.#transfers.pauseUs(), () => {
      if (this.#sender === waiting) this.#begin();
    });
  }

  #send(sender: TcpSender): void {
    const { link, time, index } = this.#options;
    while (this.#transfers.leftBytes > 0 && sender.maySend) {
      this.#transfers.take(SEGMENT_BYTES);
      const sequence = sender.onSent(time.nowUs());
      const acknowledge = (): void => link.backward(index, ACK_BYTES, () => this.#onAck(sender, sequence));
      link.forward(index, SEGMENT_BYTES, acknowledge);
    }
    this.#arm(sender);
  }

  #onAck(sender: TcpSender, sequence: number): void {
    if (sender !== this.#sender) return;
    const lost = sender.onAck(sequence, this.#options.time.nowUs());
    this.#transfers.take(-lost * SEGMENT_BYTES);
    if (sender.idle && this.#transfers.leftBytes <= 0) this.#pause();
    else this.#send(sender);
  }

  #arm(sender: TcpSender): void {
    const { time } = this.#options;
    const dueUs = sender.timeoutUs;
    if (dueUs === Infinity || this.#timerUs <= dueUs) return;
    this.#timerUs = dueUs;
    time.at(dueUs, () => {
      this.#timerUs = Infinity;
      if (sender !== this.#sender) return this.#sender && this.#arm(this.#sender);
      if (time.nowUs() < sender.timeoutUs) return this.#arm(sender);
      this.#transfers.take(-sender.onTimeout(time.nowUs()) * SEGMENT_BYTES);
      this.#send(sender);
    });
  }
}
