/**
 * Credit in bytes, both sides. The sender stops when its credit is used up; the receiver counts, returns credit in large
 * pieces as it takes bytes in, and notices a sender that sends more than it may. Pure.
 */
export class SendCredit {
  #bytes: number;
  readonly #max: number;

  constructor(bytes: number, max: number) {
    this.#bytes = bytes;
    this.#max = max;
  }

  /** False if there is not enough; nothing is taken then. */
  take(bytes: number): boolean {
    if (bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }

  /** More than the window is never useful: a wrong sum stays harmless. */
  add(bytes: number): void {
    this.#bytes = Math.min(this.#max, this.#bytes + bytes);
  }
}

export class ReceiveCredit {
  #left: number;
  #owed = 0;
  readonly #returnAt: number;

  /** @param window what the sender was granted at first */
  constructor(window: number) {
    this.#left = window;
    this.#returnAt = window / 4;
  }

  /** False if the sender had no credit for so much. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    this.#owed += bytes;
    return this.#left >= 0;
  }

  /** Credit to return now; 0 while it is too little to be worth a message. */
  due(): number {
    if (this.#owed < this.#returnAt) return 0;
    const bytes = this.#owed;
    this.#owed = 0;
    this.#left += bytes;
    return bytes;
  }
}
