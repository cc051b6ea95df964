/** The command line. Only this file reads arguments and environment, handles signals and sets the exit code. */
import { Command, Option } from 'commander';
import { bench, SUITE_NAMES } from './commands/bench.ts';
import { cluster } from './commands/cluster/cluster.ts';
import { comfyUiCheck } from './commands/comfyui/check.ts';
import { comfyUiMap } from './commands/comfyui/map.ts';
import { doctor } from './commands/doctor.ts';
import { generate } from './commands/generate.ts';
import { listModels, showModel, verifyModels } from './commands/models.ts';
import type { ProcessFaults } from './commands/process-faults.ts';
import { serve } from './commands/serve.ts';
import { token } from './commands/token.ts';
import { worker } from './commands/cluster/worker.ts';
import { configOptions, loadConfig, type Config, type ConfigKey } from './config/config.ts';
import { toGlimpseError } from './errors.ts';
import { RIGHTS, type Right } from './rooms/rights.ts';

type Flags = Partial<Record<ConfigKey, string>> & { config?: string };

const program = new Command('glimpse')
  .description('Streams generative video to a browser while it is still being made.')
  .showHelpAfterError('--help lists what there is.')
  .configureHelp({ helpWidth: 110 });

const VALUE_NAMES: Partial<Record<ConfigKey, string>> = { size: '<WxH>', calibrate: '[when]' };

/** Adds the settings in `keys` (default: all) as flags, with default, environment variable and effect. */
function withConfig(command: Command, keys?: readonly ConfigKey[]): Command {
  for (const { key, flag, environment, description, defaultValue, isToggle } of configOptions()) {
    if (keys && !keys.includes(key)) continue;
    const shown = defaultValue === undefined ? '' : `; default ${String(defaultValue)}`;
    const value = isToggle ? '' : ` ${VALUE_NAMES[key] ?? '<value>'}`;
    const option = new Option(`${flag}${value}`, `${description} (${environment}${shown})`);
    // `--calibrate` without a value means now.
    command.addOption(key === 'calibrate' ? option.preset('always') : option);
  }
  return command.option('--config <file>', 'JSON file with settings by their camelCase names');
}

const COMFYUI_KEYS = [
  'comfyuiUrl',
  'workflow',
  'comfyuiCheckpoint',
  'comfyuiSize',
  'comfyuiParameters',
  'comfyuiInput',
] as const satisfies readonly ConfigKey[];

const CLUSTER_KEYS = [
  'cluster',
  'clusterName',
  'clusterCredentials',
  'clusterCa',
  'clusterCert',
  'clusterKey',
] as const satisfies readonly ConfigKey[];

const configOf = (flags: Flags): Config =>
  loadConfig({
    flags,
    environment: process.env,
    file: flags.config,
    onWarning: (text) => process.stderr.write(`warning: ${text}\n`),
  });

/** Aborts on the first SIGINT or SIGTERM; a second one ends the process at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => (controller.signal.aborted ? process.exit(130) : controller.abort()));
  return controller.signal;
}

/** Sends unhandled rejections and exceptions to `faults`; without it Node ends the process. */
function listenForFaults(faults: ProcessFaults): Disposable {
  const onRejection = (error: unknown): void => faults.note('rejection', error);
  const onException = (error: unknown): void => faults.note('exception', error);
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return {
    [Symbol.dispose]: () => {
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
    },
  };
}

withConfig(program.command('serve').description('serve the demo page and the API')).action(async (flags: Flags) => {
  const { inTime, faulty } = await serve(configOf(flags), interrupted(), listenForFaults);
  if (!inTime || faulty) process.exit(faulty ? 1 : 0);
});

withConfig(program.command('worker').description('compute slices for the gateways of a cluster (--cluster)'), [
  ...CLUSTER_KEYS,
  'clusterPack',
  'workerName',
  'workerJobs',
  'drainSeconds',
  'generator',
  'model',
  'threads',
  'calibrate',
  'size',
  'steps',
  'provider',
  'fps',
  'beep',
  'memoryBudget',
  'reserveMemory',
  'variant',
  'warmIdle',
  'cacheMemory',
  'cacheDir',
  'cacheDisk',
  'metricsHost',
  'metricsPort',
  'logLevel',
  ...COMFYUI_KEYS,
]).action(async (flags: Flags) => {
  const { faulty } = await worker(configOf(flags), interrupted(), listenForFaults);
  process.exit(faulty ? 1 : 0);
});

withConfig(
  program
    .command('cluster')
    .description('show the workers of a cluster and what they do, or drain one')
    .option('--json', 'print JSON')
    .option('--leases', 'also which stream is at which worker')
    .option('--drain <worker>', 'name or id of a worker that is to finish its jobs and end'),
  CLUSTER_KEYS,
).action(async ({ json = false, leases = false, drain, ...flags }: Flags & ClusterFlags) =>
  cluster(configOf(flags), { json, leases, drain }),
);

withConfig(
  program
    .command('generate')
    .description('write a clip to a file, without a network')
    .argument('<prompt>', 'what to show; a list, "a | b | c", divides the clip evenly')
    .requiredOption('--out <file>', 'MP4 file to write')
    .option('--seed <number>', '32-bit seed; the same seed gives the same clip', '1')
    .option('--seconds <number>', 'length of the clip, seconds', '4')
    .option('--tier <tier>', 'how far to refine: draft, base, refined or upscaled', 'refined')
    .option('--transition-slices <number>', 'slices from one prompt of a list to the next', '1')
    .option('--tiers <directory>', 'also write one picture (PNG) per tier here')
    .option('--fresh', 'start from the first slice; without it, a clip that was cut off continues from its last slice'),
  [
    'generator',
    'model',
    'threads',
    'calibrate',
    'size',
    'steps',
    'provider',
    'fps',
    'beep',
    'cacheMemory',
    'cacheDir',
    'cacheDisk',
    ...CLUSTER_KEYS,
    'clusterPack',
    ...COMFYUI_KEYS,
  ],
).action(async (prompt: string, flags: Flags & GenerateFlags) => {
  const { out, seed, seconds, tier, transitionSlices, tiers, fresh = false, ...settings } = flags;
  const clip = { prompt, out, seed, seconds, tier, transitionSlices, tiersDirectory: tiers, fresh };
  await generate(configOf(settings), clip, interrupted());
});

program
  .command('bench')
  .description(`measure: ${SUITE_NAMES.join(', ')}`)
  .argument('<suite>', `${SUITE_NAMES.join(', ')}; or compare`)
  .argument('[reports...]', 'compare: two reports (JSON) of one suite, the older first')
  .option('--json', 'print only JSON on standard output')
  .option('--out <file>', 'also write the JSON here')
  .option('--connections <number>', 'latency: connections a side', '20')
  .option('--scenario <file>', 'congestion, link: one scenario (JSON) instead of those that ship with the bench')
  .option('--plots <directory>', 'congestion, link: also draw every case (SVG) here')
  .option('--model <pack>', 'generation, quality: name or directory of a pack instead of those that ship', 'auto')
  .option('--section <name...>', 'generation: only these sections')
  .addOption(
    new Option('--kind <kind>', 'load: only this kind of viewers').choices([
      'one picture',
      'different pictures',
      'room',
    ]),
  )
  .option('--seconds <number>', 'soak: how long; default 1800')
  .option('--quick', 'generation, load, soak, memory, cluster: a few runs instead of enough for a published figure')
  .option('--prompts <number>', 'quality: held-out prompts; 256 for a published figure', '64')
  .option('--sheet <directory>', 'quality: also write a sheet of pictures, per tier and prompt, here')
  .action(async (suite: string, reports: string[], flags: BenchFlags) => {
    const {
      json = false,
      out,
      connections,
      scenario,
      plots,
      model,
      section = [],
      quick = false,
      kind,
      seconds,
      prompts,
      sheet,
    } = flags;
    const missed = await bench(suite, {
      json,
      out,
      connections: Number(connections),
      scenario,
      plots,
      model,
      sections: section,
      kind,
      quick,
      seconds: seconds === undefined ? undefined : Number(seconds),
      prompts: Number(prompts),
      sheet,
      reports,
    });
    if (missed > 0) process.exitCode = 1;
  });

const modelPacks = program.command('models').description('the model packs: list, verify, show');
withConfig(
  modelPacks.command('list', { isDefault: true }).description('list the packs that ship, and --model beside them'),
  ['model'],
).action(async (flags: Flags) => listModels(configOf(flags).model));
modelPacks
  .command('verify')
  .description('check the hash and shape of every file')
  .argument('[pack]', 'name or directory; default: all that ship')
  .action(verifyModels);
modelPacks
  .command('show')
  .description('show the parts of a pack and the words it knows')
  .argument('<pack>', 'name or directory')
  .action(showModel);

const comfyui = program.command('comfyui').description('check a ComfyUI server, or map a workflow of it');

withConfig(
  comfyui.command('check').description('check that the server has the nodes, models and inputs that a workflow needs'),
  COMFYUI_KEYS,
).action(async (flags: Flags) => comfyUiCheck(configOf(flags), interrupted()));

comfyui
  .command('map')
  .description('make a mapping file for --workflow of a workflow that was saved in ComfyUI')
  .argument('<workflow>', 'the workflow (JSON), as saved or by "Export (API)"')
  .option('--out <file>', 'the mapping file', 'mapping.json')
  .action(async (path: string, { out }: { out: string }) => comfyUiMap({ path, out, signal: interrupted() }));

withConfig(
  program
    .command('token')
    .description('mint a token for development; a product mints them with its own library')
    .option('--secret <text>', 'same as --auth-secret')
    .option('--minutes <number>', 'how long it is valid', '60')
    .option('--subject <user>', 'the user (sub) it stands for')
    .option('--session <id>', 'the one session (glimpse_sid) it opens; it then creates none')
    .option('--once', 'it creates one session, once')
    .option('--room <name>', 'the one room (glimpse_room) it opens')
    .addOption(new Option('--right <right>', 'what it allows there (default: watch)').choices([...RIGHTS])),
  ['authSecret', 'authSecretFile', 'authAudience', 'authIssuer'],
).action(async ({ secret, minutes, subject, session, once, room, right, ...flags }: Flags & TokenFlags) => {
  const config = configOf({ ...(secret === undefined ? {} : { authSecret: secret }), ...flags });
  await token(config, { minutes: Number(minutes), subject, session, once, room, right });
});

withConfig(program.command('doctor').description('show what this machine has and what the service will choose')).action(
  async (flags: Flags) => doctor(configOf(flags)),
);

interface ClusterFlags {
  json?: boolean;
  leases?: boolean;
  drain?: string;
}

interface GenerateFlags {
  out: string;
  seed: string;
  seconds: string;
  tier: string;
  transitionSlices: string;
  tiers?: string;
  fresh?: boolean;
}

interface TokenFlags {
  secret?: string;
  minutes: string;
  subject?: string;
  session?: string;
  once?: boolean;
  room?: string;
  right?: Right;
}

interface BenchFlags {
  seconds?: string;
  json?: boolean;
  out?: string;
  connections: string;
  scenario?: string;
  plots?: string;
  model: string;
  kind?: string;
  section?: string[];
  quick?: boolean;
  prompts: string;
  sheet?: string;
}

try {
  await program.parseAsync();
} catch (thrown) {
  const error = toGlimpseError(thrown);
  process.stderr.write(`${error.code}: ${error.message}\n`);
  for (const [name, value] of Object.entries(error.details))
    process.stderr.write(`  ${name}: ${JSON.stringify(value)}\n`);
  if (error.code === 'INTERNAL')
    process.stderr.write(`${String(error.cause instanceof Error ? error.cause.stack : error.cause)}\n`);
  process.exitCode = 1;
}
