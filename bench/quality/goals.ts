/** What the pictures are to reach, and whether they did. Pure. */
import type { PackQuality } from './measure.ts';

/** Percent of prompts, by field. */
const ADHERENCE_GOALS: Readonly<Record<string, number>> = {
  scene: 97,
  time: 97,
  sky: 97,
  weather: 97,
  color: 97,
  motion: 92,
  celestial: 90,
  object: 90,
};
const SHIFT_MAX_PX = 1;
const SEAM_MAX = 1.2;
const DRIFT_MAX_POINTS = 3;

export interface QualityGoal {
  name: string;
  goal: string;
  measured: string;
  met: boolean;
}

export function qualityGoals({ name, adherence, driftPoints, tiers, shiftPx, seams }: PackQuality): QualityGoal[] {
  const goals: QualityGoal[] = [];
  const add = (what: string, goal: string, measured: string, met: boolean): void => {
    goals.push({ name: `${name} ${what}`, goal, measured, met });
  };
  for (const { slice, percent } of adherence ?? []) {
    if (slice > 5) continue;
    for (const [field, share] of Object.entries(percent)) {
      const least = ADHERENCE_GOALS[field];
      if (least !== undefined) add(`${field}, slice ${slice}`, `>= ${least}%`, `${share}%`, share >= least);
    }
  }
  const psnrs = tiers.map(({ psnrDb }) => psnrDb).filter((psnrDb) => psnrDb !== null);
  const rising = psnrs.every((psnrDb, index) => index === 0 || psnrDb > (psnrs[index - 1] ?? Infinity));
  add('PSNR against the best tier', 'rises tier by tier', `${psnrs.join(', ')} dB`, rising);
  if (shiftPx)
    add('base to refined, 95% of prompts', `< ${SHIFT_MAX_PX} px`, `${shiftPx.p95} px`, shiftPx.p95 < SHIFT_MAX_PX);
  for (const { name: tier, ratio } of seams) add(`seam at ${tier}`, `<= ${SEAM_MAX}`, `${ratio}`, ratio <= SEAM_MAX);
  if (driftPoints !== undefined)
    add('ten slices', `<= ${DRIFT_MAX_POINTS} points lost`, `${driftPoints}`, driftPoints <= DRIFT_MAX_POINTS);
  return goals;
}
