/**
 * A tier can be made in several ways: by the full part, or by a cheaper one that makes nearly the same picture. A grade
 * is a tier with its variant. Renditions are compared by grade, and costs are known by grade. Pure.
 */
import type { Tier } from '../picture/tiers.ts';

/** Ways to make a tier, best pictures first. `fast`: a smaller part, fewer pixels. */
export const VARIANTS = ['full', 'fast'] as const;
export type Variant = (typeof VARIANTS)[number];

/** Lowest first. A tier's own name stands for its full variant. */
export const GRADES = ['draft', 'base', 'refined-fast', 'refined', 'upscaled'] as const;
export type Grade = (typeof GRADES)[number];

interface Made {
  tier: Tier;
  /** Absent: full. */
  variant?: Variant | undefined;
}

/** A variant that a tier does not have counts as the full one. */
export const gradeOf = ({ tier, variant }: Made): Grade =>
  tier === 'refined' && variant === 'fast' ? 'refined-fast' : tier;

export const gradeRank = (grade: Grade): number => GRADES.indexOf(grade);
export const tierOfGrade = (grade: Grade): Tier => (grade === 'refined-fast' ? 'refined' : grade);
export const variantOfGrade = (grade: Grade): Variant => (grade === 'refined-fast' ? 'fast' : 'full');

/** True if `candidate` may replace `current` (undefined: nothing there yet). */
export const improves = (candidate: Grade, current: Grade | undefined): boolean =>
  current === undefined || gradeRank(candidate) > gradeRank(current);

export const lowerGrade = (a: Grade, b: Grade): Grade => (gradeRank(a) <= gradeRank(b) ? a : b);
