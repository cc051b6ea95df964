/** `glimpse doctor`: the machine's hardware, measurements where they matter, and what the service will choose. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Config } from '../config/config.ts';
import { toGlimpseError } from '../errors.ts';
import { createGenerator, servesDiffusers } from '../generation/create-generator.ts';
import type { Generator } from '../generation/generator.ts';
import { encoderBackends } from '../media/encode/encoders.ts';
import { mediaAddressOf } from '../config/media-address.ts';
import { createPeerHost } from '../transport/peer/peer-host.ts';
import { printCalibrations } from './calibration-table.ts';
import { missingFeatures } from './cpu-features.ts';

type Finding = [what: string, found: string];

export async function doctor(config: Config): Promise<void> {
  const findings: Finding[] = [
    ['node', process.version],
    [
      'machine',
      `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    ],
    ...cpuFinding(),
    [
      'encoders',
      await checked(async () =>
        (await encoderBackends()).map(({ name, loads }) => `${name}: ${loads ? 'loads' : 'does not load'}`).join(', '),
      ),
    ],
    ['media port', await checked(() => checkPort(config))],
    ...(await checkGenerator(config)),
  ];
  const width = Math.max(...findings.map(([what]) => what.length));
  for (const [what, found] of findings) process.stdout.write(`${what.padEnd(width)}  ${found}\n`);
  if (config.generator === 'onnx' && !servesDiffusers(config) && config.calibrate !== 'never')
    await printCalibrations(config);
}

function cpuFinding(): Finding[] {
  const missing = process.platform === 'linux' ? missingFeatures(readFileSync('/proc/cpuinfo', 'utf8')) : undefined;
  return missing === undefined ? [] : [['cpu', missing]];
}

async function checkPort(config: Config): Promise<string> {
  const host = await createPeerHost(mediaAddressOf(config));
  const { address } = host;
  await host.close();
  return `UDP ${address.host}:${address.port} can be bound; DTLS self-test passed`;
}

async function checkGenerator(config: Config): Promise<Finding[]> {
  try {
    // Without caches: the timed work must be computed.
    await using generator = await createGenerator({ ...config, cacheMemory: 0 });
    await generator.warmUp();
    const { info } = generator;
    const times = await timeTiers(generator);
    const computeMs = times.reduce((sum, [, ms]) => sum + ms, 0);
    const sliceMs = (info.slice.frames * 1000) / info.slice.fps;
    return [
      [
        'generator',
        `${info.name}: ${info.tiers.map(({ tier, widthPx, heightPx }) => `${tier} ${widthPx}x${heightPx}`).join(', ')}`,
      ],
      ['one slice', times.map(([tier, ms]) => `${tier} ${ms.toFixed(0)} ms`).join(' + ')],
      [
        'live viewers',
        `about ${Math.max(0, Math.floor(sliceMs / computeMs))} at full refinement (a slice shows for ${sliceMs.toFixed(0)} ms)`,
      ],
    ];
  } catch (error) {
    return [['generator', describe(error)]];
  }
}

/** Median of three slices after one unmeasured. */
async function timeTiers(generator: Generator): Promise<[tier: string, ms: number][]> {
  const { signal } = new AbortController();
  const prompt = generator.info.examples[0] ?? 'test';
  const stopAtTier = generator.info.tiers.at(-1)?.tier ?? 'base';
  const runs = new Map<string, number[]>();
  for (let run = 0; run < 4; run++) {
    const job = { revision: 0, slice: 0, prompt, seed: run, startMs: 0, stopAtTier };
    for await (const { tier, computeMs } of generator.generate(job, { signal }))
      if (run > 0) runs.set(tier, [...(runs.get(tier) ?? []), computeMs]);
  }
  return [...runs].map(([tier, values]) => [tier, values.toSorted((a, b) => a - b)[1] ?? 0]);
}

async function checked(check: () => Promise<string>): Promise<string> {
  return check().catch(describe);
}

function describe(error: unknown): string {
  const { code, message } = toGlimpseError(error);
  return `${code}: ${message}`;
}
