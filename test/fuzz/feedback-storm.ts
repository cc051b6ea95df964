/**
 * An estimator under feedback that is cut off, told twice, late, from the future, of packets never sent, or changed in any
 * bit, while numbers and clocks wrap. Seeded; what an input does depends on those before it, so a failure is made again by
 * the seed and not by the last input alone.
 */
import { seededRandom } from '../../bench/link/seeded-random.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import { assertNever } from '../../src/errors.ts';
import { TwccReader } from '../../src/congestion/feedback/twcc.ts';
import { encodeTwcc, type ChunkStyle } from '../../bench/support/wire/twcc-encoder.ts';

export const STORM_MIN_BPS = 20_000;
export const STORM_MAX_BPS = 4_000_000;
export const FAULTS = ['none', 'cut', 'twice', 'late', 'future', 'neverSent', 'flipped', 'clock', 'silence'] as const;
export type Fault = (typeof FAULTS)[number];

const STYLES: readonly ChunkStyle[] = ['run', 'oneBit', 'twoBit'];
const STEP_US = 40_000;
const HELD_MAX = 8;
/** Five seconds before the 24-bit reference time becomes negative as a signed number, and as long before it wraps. */
const CLOCKS_US = [2 ** 23, 2 ** 24].map((units) => units * 64_000 - 5_000_000);
/** Of what receivers and reports may say by mistake, or to do harm. */
const ODD = [Number.NaN, -1, 0, 1e-9, 1, 250, 1e12, Infinity];

export class FeedbackStorm {
  readonly #random: () => number;
  readonly #reader = new TwccReader();
  readonly estimator = new GlimpseEstimator({ minBps: STORM_MIN_BPS, maxBps: STORM_MAX_BPS });
  readonly #held: Uint8Array[] = [];
  #clockUs: number;
  #nowUs = 0;
  /** The 16 bits wrap after half a minute. */
  #sequence = 65_000;
  #feedbackCount = 250;
  /** Feedback by what became of it. */
  readonly fates = { taken: 0, refused: 0 };
  readonly faults = new Map<Fault, number>();

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#clockUs = CLOCKS_US[seed % CLOCKS_US.length]!;
  }

  /** Sends some packets and answers with one feedback. @throws Error when the target or the snapshot is out of bounds. */
  step(): void {
    const fault = this.#pick(FAULTS);
    this.#nowUs += STEP_US * (fault === 'silence' ? 1 + 80 * this.#random() : 1);
    const first = this.#send(1 + this.#below(6));
    if (this.#below(50) === 0) this.estimator.onRtt(this.#pick(ODD));
    if (this.#below(50) === 0) this.estimator.onRemb(this.#pick([...ODD, 1e6]));
    this.take(this.#damage(fault, this.#honest(first)));
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  /** Takes any bytes as feedback. */
  take(fci: Uint8Array): void {
    const feedback = this.#reader.read(fci, this.#sequence - 1);
    const told = feedback ? this.estimator.onFeedback(feedback, this.#nowUs) : 0;
    this.fates[told > 0 ? 'taken' : 'refused'] += 1;
    this.#check();
  }

  /** Sends packets, the last of them as a probe when one is wanted. @returns the first number. */
  #send(count: number): number {
    const first = this.#sequence;
    const probe = this.estimator.takeProbe(this.#nowUs);
    for (let packet = 0; packet < count + (probe ? 5 : 0); packet++) {
      const probeId = packet < count ? {} : { probeId: probe!.id };
      const sizeBytes = 100 + this.#below(1_100);
      const sentAtUs = this.#nowUs + packet * 500;
      this.estimator.onPacketSent({ sequence: this.#sequence++, sizeBytes, sentAtUs, kind: 'delta', ...probeId });
    }
    this.estimator.onTick(this.#nowUs);
    return first;
  }

  #honest(first: number): Uint8Array {
    const arrivals = Array.from({ length: this.#sequence - first }, (_, index) => ({
      sequence: first + index,
      arrivedAtUs: this.#below(20) === 0 ? undefined : this.#clockUs + this.#nowUs + index * 500 + this.#below(60_000),
    }));
    return encodeTwcc(arrivals, { feedbackCount: this.#feedbackCount++, style: this.#pick(STYLES) });
  }

  #damage(fault: Fault, fci: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(fci);
    const view = new DataView(bytes.buffer);
    switch (fault) {
      case 'cut':
        return bytes.subarray(0, this.#below(bytes.length));
      case 'twice':
        this.take(fci);
        return bytes;
      case 'late':
        this.#held.push(fci);
        return this.#held.length > HELD_MAX ? this.#held.splice(this.#below(HELD_MAX), 1)[0]! : bytes.subarray(0, 4);
      case 'future':
        view.setUint16(0, (this.#sequence + 1 + this.#below(0x7000)) & 0xffff);
        return bytes;
      case 'neverSent':
        view.setUint16(0, this.#below(0x10000));
        return bytes;
      case 'flipped':
        for (let flips = 1 + this.#below(6); flips > 0; flips--)
          bytes[this.#below(bytes.length)]! ^= 1 << this.#below(8);
        return bytes;
      case 'clock':
        this.#clockUs += (this.#random() - 0.5) * 20_000_000;
        return this.#below(4) === 0 ? this.#anyReferenceTime(bytes, view) : bytes;
      case 'none':
      case 'silence':
        return bytes;
      default:
        return assertNever(fault);
    }
  }

  #anyReferenceTime(bytes: Uint8Array, view: DataView): Uint8Array {
    view.setUint32(4, Math.floor(this.#random() * 2 ** 32));
    return bytes;
  }

  #check(): void {
    const { targetBps, ...rest } = this.estimator.snapshot;
    if (!(targetBps >= STORM_MIN_BPS && targetBps <= STORM_MAX_BPS)) throw new Error(`target ${targetBps}`);
    for (const [key, value] of Object.entries(rest)) if (Number.isNaN(value)) throw new Error(`${key} is no number`);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }
}
