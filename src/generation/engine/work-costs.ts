/**
 * Learns what work costs on this machine: compute time by kind of unit and by grade, as exponentially weighted means.
 * The scheduler uses it to order work, admission to predict load, the planner to choose a variant or skip a tier. A
 * grade not made for a while scales with those that are, because what slows them slows it too. Otherwise a refiner
 * given up on a busy machine would look slow for ever. Pure.
 */
import { tierOfGrade, variantOfGrade, type Grade } from '../grades.ts';
import { TIERS, tierRank } from '../../picture/tiers.ts';

/** Weight of the newest measurement: the last ten or so count. */
const NEWEST = 0.2;
/** A kind is a part with its shape, a dozen at most; limits a backend that invents more. */
const KINDS_MAX = 256;
/** A grade is stale after this many measurements of others since its own: more than a slice has. */
const STALE_AFTER = 6;

interface Estimate {
  ms: number;
  /** False for an expectation from before the first measurement. */
  measured: boolean;
  /** Measurements of other grades since its own. */
  age: number;
}

export class WorkCosts {
  readonly #grades = new Map<Grade, Estimate>();
  readonly #kindsMs = new Map<string, number>();

  /** Compute time of one tier of one slice beyond the tiers below it; undefined until measured or expected. */
  gradeMs(grade: Grade): number | undefined {
    return this.#grades.get(grade)?.ms;
  }

  /** Expected cost of a grade, until it is measured. */
  expect(grade: Grade, computeMs: number): void {
    if (this.#grades.get(grade)?.measured) return;
    this.#grades.set(grade, { ms: computeMs, measured: false, age: STALE_AFTER });
  }

  /** Cost of all tiers up to `cap`. Unknown tiers count 0; an unknown fast variant counts as the full one. */
  sliceMs(cap: Grade): number {
    let sum = 0;
    for (const tier of TIERS) {
      if (tierRank(tier) > tierRank(tierOfGrade(cap))) break;
      const fullMs = this.gradeMs(tier);
      const ms = variantOfGrade(cap) === 'fast' && tier === tierOfGrade(cap) ? (this.gradeMs(cap) ?? fullMs) : fullMs;
      sum += ms ?? 0;
    }
    return sum;
  }

  unitMs(kind: string): number | undefined {
    return this.#kindsMs.get(kind);
  }

  observe(grade: Grade, computeMs: number): void {
    const before = this.#grades.get(grade);
    const ms = before?.measured ? mean(before.ms, computeMs) : computeMs;
    const freshMs = this.#freshMs(grade);
    for (const [other, estimate] of this.#grades) if (other !== grade) estimate.age += 1;
    this.#grades.set(grade, { ms, measured: true, age: 0 });
    if (before === undefined || freshMs + before.ms <= 0) return;
    const pace = (freshMs + ms) / (freshMs + before.ms);
    for (const [other, estimate] of this.#grades) if (other !== grade && isStale(estimate)) estimate.ms *= pace;
  }

  /** Work on a grade was given up after `ms`: it costs at least that. */
  atLeast(grade: Grade, ms: number): void {
    const known = this.#grades.get(grade);
    if (known === undefined) this.expect(grade, ms);
    else known.ms = Math.max(known.ms, ms);
  }

  observeUnit(kind: string, ms: number): void {
    if (this.#kindsMs.size >= KINDS_MAX && !this.#kindsMs.has(kind)) return;
    this.#kindsMs.set(kind, mean(this.#kindsMs.get(kind), ms));
  }

  /** Sum of the grades that are not stale, without `except`. */
  #freshMs(except: Grade): number {
    let sum = 0;
    for (const [grade, estimate] of this.#grades) if (grade !== except && !isStale(estimate)) sum += estimate.ms;
    return sum;
  }
}

const isStale = ({ age }: Estimate): boolean => age >= STALE_AFTER;

const mean = (before: number | undefined, value: number): number =>
  before === undefined ? value : before + NEWEST * (value - before);
