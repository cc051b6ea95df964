/**
 * `glimpse bench quality`: what the packs draw, as they ship: held-out prompts with fixed seeds through the ONNX parts,
 * judged by the probe where it can judge, and by comparing pictures with pictures.
 */
import { SingleBar } from 'cli-progress';
import { GlimpseError } from '../../src/errors.ts';
import { packsOf } from '../generation/packs.ts';
import { type QualityGoal, qualityGoals } from '../quality/goals.ts';
import { measurePack, type PackQuality } from '../quality/measure.ts';
import { probeFile } from '../quality/probe.ts';
import { Sheet } from '../quality/sheet.ts';
import { describeMachine, type Machine, textTable } from '../report.ts';

const PROMPTS_MAX = 4096;

export interface QualityOptions {
  prompts: number;
  model?: string;
  /** Folder for a sheet of pictures. */
  sheet?: string | undefined;
}

export interface QualityReport {
  suite: 'quality';
  machine: Machine;
  packs: PackQuality[];
  goals: QualityGoal[];
}

/** @throws GlimpseError PARAMETER_INVALID, MODEL_INVALID */
export async function run({ prompts, model = 'auto', sheet }: QualityOptions): Promise<QualityReport> {
  if (!(Number.isInteger(prompts) && prompts >= 1 && prompts <= PROMPTS_MAX))
    throw new GlimpseError('PARAMETER_INVALID', { message: `--prompts must be from 1 to ${PROMPTS_MAX}` });
  const bar = new SingleBar({
    format: '{bar} {value}/{total} prompts | {pack} | {eta_formatted} left',
    stream: process.stderr,
    clearOnComplete: true,
  });
  const packs: PackQuality[] = [];
  for (const pack of await packsOf(model)) {
    const { name } = pack.manifest;
    const pictures = sheet === undefined ? undefined : new Sheet(sheet, name);
    bar.start(prompts, 0, { pack: name });
    try {
      packs.push(
        await measurePack(pack, {
          prompts,
          onProgress: (done) => bar.update(done),
          onPictures: async (prompt, _, renditions) => pictures?.add(prompt, renditions),
        }),
      );
    } finally {
      bar.stop();
    }
    await pictures?.finish();
  }
  return { suite: 'quality', machine: describeMachine(), packs, goals: packs.flatMap(qualityGoals) };
}

/** The report for people. */
export function formatTable({ packs, goals, machine }: QualityReport): string {
  const parts = packs.flatMap(({ name, prompts, understood, adherence, tiers, shiftPx, seams, driftPoints }) => {
    const fields = Object.keys(understood);
    const shares = (percent: Record<string, number>): string[] => fields.map((field) => `${percent[field] ?? '-'}`);
    const rows = [
      [`${name}, % of prompts`, ...fields],
      ['prompt understood', ...shares(understood)],
      ...(adherence ?? []).map(({ slice, prompts: count, percent }) => [
        `shown in slice ${slice} (${count})`,
        ...shares(percent),
      ]),
    ];
    return [
      `${prompts} prompts`,
      textTable(rows),
      adherence ? '' : `adherence was not measured: ${probeFile()} is missing, or for another world`,
      `PSNR against the best tier: ${tiers
        .filter(({ psnrDb }) => psnrDb !== null)
        .map((tier) => `${tier.name} ${tier.psnrDb} dB`)
        .join(', ')}`,
      `mean adherence by tier: ${tiers.map((tier) => `${tier.name} ${tier.meanPercent ?? '-'}%`).join(', ')}`,
      `shift from base to refined: median ${shiftPx?.p50 ?? '-'} px, 95% ${shiftPx?.p95 ?? '-'} px`,
      `seam: ${seams.map((seam) => `${seam.name} ${seam.ratio}`).join(', ')}; ten slices lose ${driftPoints ?? '-'} points`,
    ].filter((line) => line !== '');
  });
  const verdicts = goals.map(({ name, goal, measured, met }) => [name, goal, measured, met ? 'met' : 'MISSED']);
  return `${parts.join('\n')}\n\n${textTable([['goal', 'wanted', 'measured', ''], ...verdicts])}\n\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`;
}
