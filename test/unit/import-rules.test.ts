/** The import rules of the house, held by reading every import: who may know whom, and who may touch the outside. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['src', 'signaling', 'client-demo', 'bench'];

interface Import {
  file: string;
  /** Repository path for relative imports, the bare specifier otherwise. */
  target: string;
  typeOnly: boolean;
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('dist/') && !name.includes('node_modules/'))
    .map((name) => join(folder, name)),
);

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[\w*{}\s,]+?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, type, from, dynamic]) => {
    const specifier = from ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier;
    return { file, target, typeOnly: type !== undefined };
  });
}

const imports = files.flatMap(importsOf);
const isLocal = (target: string): boolean => FOLDERS.some((folder) => target.startsWith(`${folder}/`));
const breaches = (found: Import[]): string[] => found.map(({ file, target }) => `${file} → ${target}`);
const importersOf = (name: RegExp): string[] =>
  imports.filter(({ target }) => name.test(target)).map(({ file }) => file);

/** Time and seeds are arguments here; a result depends on nothing else. */
const PURE = new RegExp(
  `^src/(${[
    'congestion/.*',
    'stream/(demand|steering|inputs|timeline/.*)',
    'viewer/(decide|facts|link/state)',
    'picture/rungs',
    'generation/engine/(turn-order|fair-share|work-costs|load-sharing|memory-pressure)',
    'generation/slices/(schedule|latents|seam|seam-fade)',
    'generation/cluster/choice/.*',
    'generation/prompt/interpolation',
    'generation/onnx/process/batching',
    'generation/onnx/runtime/part-memory',
    'generation/onnx/process/inference-environment',
    'generation/onnx/diffusers/sampling/(noise-levels|sampler|euler|lcm|flow-match|guidance)',
    'transport/(budget|goodbye|receive/.*|rtp/(vp8|h264)|peer/(remote-path|sctp/packet))',
    'transport/peer/sdp/(offer|offer-lines|fingerprint)',
    'transport/peer/dtls/(byte-reader|records|message-assembler|(client|server)-messages)',
    'picture/sound',
    'media/(convergence|encode/(h264-level|annex-b)|audio/(fade|mix|opus|sound-store|sound-frames))',
  ].join('|')})\\.ts$`,
);
/** Nouns that a pure file may know: they decide nothing. */
const NOUNS = /^src\/(errors|limits|events)\.ts$|^src\/picture\/(tiers|rung)\.ts$|^src\/generation\/grades\.ts$/;

describe('import rules', () => {
  it('reads imports at all', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports.some(({ file, target }) => file === 'src/session/session.ts' && target === 'src/errors.ts')).toBe(
      true,
    );
  });

  it('pure files import no package, no node module, and no impure file by value', () => {
    const found = imports.filter(
      ({ file, target, typeOnly }) =>
        PURE.test(file) && !typeOnly && !(isLocal(target) && (PURE.test(target) || NOUNS.test(target))),
    );
    expect(breaches(found)).toEqual([]);
  });

  it('pure files read no clock and roll no dice', () => {
    const ambient = /\b(Date\.now|new Date\(|performance\.|Math\.random|setTimeout|setInterval|process\.)/;
    const found = files.filter((file) => PURE.test(file) && ambient.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('timers come from the clock, so that they can run in virtual time', () => {
    // The SDK runs in browsers; the process's watch counts only time in which this process runs.
    const excepted = /^src\/(clock|generation\/onnx\/process\/run-watch)\.ts$|^src\/client\//;
    const ambient = /(?<![.\w])set(Timeout|Interval)\(|setTimeout\b[^;]*'node:timers\/promises'/;
    const found = files
      .filter((file) => /^(src|signaling)\//.test(file) && !excepted.test(file))
      .filter((file) => ambient.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('only transport/peer imports werift', () => {
    // Beside the viewers that benches and tests play with it.
    const allowed = /^(src\/transport\/peer|bench\/support\/wire)\//;
    expect(importersOf(/^werift/).filter((file) => !allowed.test(file))).toEqual([]);
    // Its SCTP and its SRTCP; DTLS is our own.
    const users = ['src/transport/peer/control-channel.ts', 'src/transport/peer/srtp/srtcp-session.ts'];
    expect(importersOf(/^werift/).filter((file) => file.startsWith('src/'))).toEqual(users);
  });

  it('only the inference worker loads onnxruntime', () => {
    const thread = ['src/generation/onnx/process/worker.ts', 'src/generation/onnx/runtime/loaded-part.ts'];
    expect([...new Set(importersOf(/^onnxruntime/))].toSorted()).toEqual(thread);
    expect(importersOf(/onnx\/runtime\/loaded-part\.ts$/)).toEqual(['src/generation/onnx/process/worker.ts']);
  });

  it('only generation/cluster imports NATS, and nothing imports it but on demand', () => {
    const inside = /^src\/generation\/cluster\//;
    expect(importersOf(/^@nats-io\//).filter((file) => !inside.test(file))).toEqual([]);
    const loads = /^(import|export) (?!type)[^;'"]*from '[^']*generation\/cluster\//m;
    const found = files.filter((file) => !inside.test(file) && loads.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(found.filter((file) => !file.startsWith('bench/'))).toEqual([]);
  });

  it('only the two encoder files and the exporter touch an encoder', () => {
    const allowed =
      /^src\/media\/(((upload|encode|decode|audio)\/)?(libav|ffmpeg)-[a-z-]+|files\/export)\.ts$|^bench\//;
    expect(importersOf(/^(node-av|@ffmpeg-installer)/).filter((file) => !allowed.test(file))).toEqual([]);
  });

  it('no process that is started sees the environment of the service', () => {
    const starts = files
      .filter((file) => /^(src|signaling)\//.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(ROOT, file), 'utf8');
        // To the end of the statement: its options are in it.
        return Array.from(text.matchAll(/(?<!function )\b(spawn|execFile|fork)\((?:[^;]*);/g), ([call]) => ({
          file,
          call,
        }));
      });
    expect(starts.length).toBeGreaterThan(3);
    // The inference process has settings of its libraries alone: inference-environment.test.ts.
    expect(starts.filter(({ call }) => !/env: (NO_ENVIRONMENT|inferenceEnvironment\()/.test(call))).toEqual([]);
  });

  it('zod stays at the edges', () => {
    const edge =
      /^src\/config\/(config(-schema)?|cluster-settings)\.ts$|^src\/generation\/(onnx\/(pack\/manifest|diffusers\/(export\/layout|sampling\/scheduler-config|prompt-tokens))|comfyui\/(server\/wire|workflows\/settings)|cluster\/(wire\/(messages|description|envelope)|gateway\/ask))\.ts$|^src\/clips\/clip-shelf\.ts$|^signaling\/|^bench\/link\/scenario\.ts$/;
    expect(importersOf(/^zod/).filter((file) => !edge.test(file))).toEqual([]);
  });

  it('only the command line reads arguments, handles signals, or exits', () => {
    const found = files.filter(
      (file) =>
        // The inference process ignores signals: they are for the service.
        !/^src\/(cli|command-line|generation\/onnx\/process\/entry)\.ts$/.test(file) &&
        // Of the process's events these are no signals: a parent's word, its end, a thread begun.
        /(?<![\w.#])process\.(argv|exit\(|(on|once)\((?!'(message|disconnect|worker)'))/.test(
          readFileSync(join(ROOT, file), 'utf8'),
        ),
    );
    expect(found).toEqual([]);
  });

  it('signaling knows sessions and rooms, not what is below them', () => {
    const allowed =
      /^signaling\/|^src\/(session\/contract|errors|error-log|lifetime\/(kept-promise|serial-queue)|limits|events|clock|log|rooms\/rights|metrics\/\w+|picture\/[\w-]+|generation\/(generator|prompt\/(prompt|prompt-list)))\.ts$/;
    const found = imports.filter(
      ({ file, target, typeOnly }) =>
        file.startsWith('signaling/') && isLocal(target) && !allowed.test(target) && !typeOnly,
    );
    expect(breaches(found)).toEqual([]);
  });

  it('the browser side takes only types from the server side', () => {
    const browser = /^(src\/client|client-demo)\//;
    const found = imports.filter(
      ({ file, target, typeOnly }) =>
        browser.test(file) &&
        !file.includes('vite.config') &&
        !typeOnly &&
        !browser.test(target) &&
        !target.endsWith('.css'),
    );
    expect(breaches(found)).toEqual([]);
  });

  it('bench imports nothing from the tests, and production code nothing from bench but for the bench command', () => {
    const isProduct = (path: string): boolean => /^(src|signaling|client-demo)\//.test(path);
    const found = imports.filter(
      ({ file, target }) =>
        (file.startsWith('bench/') && target.startsWith('test/')) ||
        (isProduct(file) && target.startsWith('bench/') && file !== 'src/commands/bench.ts'),
    );
    expect(breaches(found)).toEqual([]);
  });

  it('has no import cycle, types included', () => {
    const graph = new Map(
      files.map((file) => [
        file,
        imports.filter((entry) => entry.file === file && isLocal(entry.target)).map(({ target }) => target),
      ]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: string[]): string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const next of graph.get(file) ?? []) {
        const cycle = visit(next, [...path, file]);
        if (cycle) return cycle;
      }
      done.add(file);
      return undefined;
    };
    expect(files.map((file) => visit(file, [])).find((cycle) => cycle !== undefined)).toBeUndefined();
  });

  it('has no two-way arrow between the folders of src', () => {
    // Files of src itself are the nouns that all share, and the composition that knows all.
    const folder = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];
    const arrows = new Set(
      imports.flatMap(({ file, target }) => {
        const [from, to] = [folder(file), folder(target)];
        return from === undefined || to === undefined || from === to ? [] : [`${from} → ${to}`];
      }),
    );
    const bothWays = [...arrows].filter((arrow) => arrows.has(arrow.split(' → ').toReversed().join(' → ')));
    expect(bothWays).toEqual([]);
    expect(arrows.size).toBeGreaterThan(20);
  });

  it('a stream knows no viewer, and a viewer no session', () => {
    const found = imports.filter(
      ({ file, target }) =>
        (file.startsWith('src/stream/') && /^src\/(viewer|session|rooms)\//.test(target)) ||
        (file.startsWith('src/viewer/') && /^src\/(session|rooms)\//.test(target)),
    );
    expect(breaches(found)).toEqual([]);
  });

  it('streams, viewers and sessions take few options, and no value that they would have to ask for', () => {
    const found = files
      .filter((file) => /^src\/(stream|viewer|session)\//.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(ROOT, file), 'utf8');
        return Array.from(
          text.matchAll(/interface (\w+(?:Options|Deps|Parts|Start)) \{\n(.*?)\n\}/gs),
          ([, name, body]) => {
            const fields = body?.match(/^ {2}\w+\??:.*$/gm) ?? [];
            const asks = fields.some((field) => /^ {2}(?!random\b)\w+\??: \(\) => (?!void)/.test(field));
            return { name, fields: fields.length, asks };
          },
        );
      });
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter(({ fields, asks }) => fields > 7 || asks)).toEqual([]);
  });

  it('keeps folders small', () => {
    const counts = new Map<string, number>();
    for (const file of files.filter((name) => /^(src|signaling)\//.test(name)))
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    const large = [...counts].filter(([, count]) => count > 16);
    expect(large).toEqual([]);
  });

  it('says in each folder what belongs there', () => {
    const folders = new Set(files.filter((name) => /^(src|signaling)\//.test(name)).map((name) => dirname(name)));
    const silent = [...folders].filter((folder) => !existsSync(join(ROOT, folder, 'README.md')));
    expect(silent).toEqual([]);
  });

  it('keeps files small', () => {
    const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 400);
    expect(long).toEqual([]);
  });
});
