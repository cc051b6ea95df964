/**
 * Separates loss that the path always has (radio, policing of others) from loss that our own rate causes. Fits two
 * numbers to the last observations: an inherent loss ratio, and a bandwidth above which all excess is lost (the idea of
 * libwebrtc's loss_based_bwe_v2). Only the bandwidth limits us, and only when it explains the losses clearly better.
 */
const OBSERVATIONS_MAX = 15;
const OBSERVATION_MIN_US = 250_000;
const OBSERVATION_MIN_PACKETS = 10;
/** Factor by which each older observation counts less. */
const AGE_WEIGHT = 0.9;
/** Inherent loss ratios tried. With more loss the path is not usable at its rate, whatever the cause. */
const INHERENT_LOSS = [0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15];
/** Log-likelihood by which a bandwidth limit must explain the losses better than inherent loss: odds of 400 to 1. */
const EVIDENCE_NATS = 6;
/** No observation shows a bound below this share of its rate, however much was lost. */
const BOUND_SHARE_MIN = 0.5;
/** Losses start at the bound, so the rate stays below it. */
const BOUND_SHARE = 0.95;
/** Smoothing of the displayed ratio. */
const SHOWN_WEIGHT = 0.2;

interface Observation {
  sentBps: number;
  packets: number;
  lost: number;
}

const emptyObservation = () => ({
  packets: 0,
  lost: 0,
  firstSentUs: Infinity,
  lastSentUs: -Infinity,
  freshPackets: 0,
  freshLost: 0,
  freshBytes: 0,
  freshSinceUs: Infinity,
});

export class LossModel {
  #observations: Observation[] = [];
  #open = emptyObservation();
  /** Losses of packets sent earlier are explained. */
  #forgottenUs = -Infinity;
  #boundBps = Infinity;
  #inherent = 0;
  #ratio = 0;
  #lastRatio = 0;

  /** Takes one packet that feedback has reported. */
  add(sentUs: number, sizeBytes: number, lost: boolean): void {
    const open = this.#open;
    open.packets += 1;
    open.lost += lost ? 1 : 0;
    if (sentUs >= this.#forgottenUs) {
      open.freshPackets += 1;
      open.freshLost += lost ? 1 : 0;
      open.freshBytes += sizeBytes;
      open.freshSinceUs = Math.min(open.freshSinceUs, sentUs);
    }
    open.firstSentUs = Math.min(open.firstSentUs, sentUs);
    open.lastSentUs = Math.max(open.lastSentUs, sentUs);
  }

  /** Closes an observation when it is long enough, and fits again; call after each feedback. */
  update(): void {
    const { packets, lost, firstSentUs, lastSentUs } = this.#open;
    if (packets < OBSERVATION_MIN_PACKETS || lastSentUs - firstSentUs < OBSERVATION_MIN_US) return;
    this.#observe();
    this.#open = emptyObservation();
    this.#lastRatio = lost / packets;
    this.#ratio += SHOWN_WEIGHT * (this.#lastRatio - this.#ratio);
    this.#fit();
  }

  /** The rate above which our packets are lost; Infinity while losses do not depend on our rate. */
  get boundBps(): number {
    return this.#boundBps;
  }

  /** Loss that the path has at any rate, 0…1. */
  get inherentRatio(): number {
    return this.#inherent;
  }

  /** Share of packets lost recently, smoothed, 0…1. */
  get ratio(): number {
    return this.#ratio;
  }

  /** Share of packets lost in the last observation, 0…1. */
  get lastRatio(): number {
    return this.#lastRatio;
  }

  /** Loss of packets sent so far is explained: a queue overflowed, and the rate has been cut for it. */
  forget(nowUs: number): void {
    this.#observations = [];
    this.#boundBps = Infinity;
    this.#forgottenUs = nowUs;
  }

  #observe(): void {
    const { freshPackets, freshLost, freshBytes, freshSinceUs, lastSentUs } = this.#open;
    if (freshPackets < OBSERVATION_MIN_PACKETS || lastSentUs <= freshSinceUs) return;
    const sentBps = (freshBytes * 8_000_000) / (lastSentUs - freshSinceUs);
    this.#observations.push({ sentBps, packets: freshPackets, lost: freshLost });
    if (this.#observations.length > OBSERVATIONS_MAX) this.#observations.shift();
  }

  #fit(): void {
    const chance = bestInherent(this.#observations, Infinity);
    let limited = { likelihood: -Infinity, inherent: 0, boundBps: Infinity };
    for (const { sentBps, packets, lost } of this.#observations) {
      if (lost === 0) continue;
      const boundBps = sentBps * Math.max(BOUND_SHARE_MIN, 1 - lost / packets);
      const fit = bestInherent(this.#observations, boundBps);
      if (fit.likelihood > limited.likelihood) limited = { ...fit, boundBps };
    }
    const caused = limited.likelihood > chance.likelihood + EVIDENCE_NATS;
    this.#boundBps = caused ? BOUND_SHARE * limited.boundBps : Infinity;
    this.#inherent = caused ? limited.inherent : chance.inherent;
  }
}

function bestInherent(
  observations: readonly Observation[],
  boundBps: number,
): { likelihood: number; inherent: number } {
  let best = { likelihood: -Infinity, inherent: 0 };
  for (const inherent of INHERENT_LOSS) {
    let likelihood = 0;
    let weight = 1;
    for (let index = observations.length - 1; index >= 0; index--) {
      const { sentBps, packets, lost } = observations[index]!;
      const overflow = Math.max(0, 1 - boundBps / sentBps);
      const expected = Math.min(inherent + (1 - inherent) * overflow, 0.999);
      // Most observations have no loss, and a logarithm costs more than the rest.
      const ofLost = lost === 0 ? 0 : lost * Math.log(expected);
      likelihood += weight * (ofLost + (packets - lost) * Math.log(1 - expected));
      weight *= AGE_WEIGHT;
    }
    if (likelihood > best.likelihood) best = { likelihood, inherent };
  }
  return best;
}
