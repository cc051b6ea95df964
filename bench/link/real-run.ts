/** One side on one scenario over the real link: server, relay and browser put together, watched to the end, taken down. */
import { constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { systemClock } from '../../src/clock.ts';
import { GlimpseError } from '../../src/errors.ts';
import { ServerHandle } from '../latency/server-handle.ts';
import type { Side } from '../latency/server-process.ts';
import { distribution, type Distribution } from '../report.ts';
import { CapacitySchedule } from './capacity.ts';
import { viewLink, type LinkViewing } from './link-viewer.ts';
import { pathPlan } from './path-plan.ts';
import { lumaOf, PATCH, PATCH_EVERY_FRAMES, psnrDb, qualityOf, type Quality } from './quality.ts';
import { BIN_MS, FlowRecord, SAMPLE_MS, type Recording } from './recording.ts';
import { Relay, type Address } from './relay.ts';
import type { Scenario } from './scenario.ts';

export const SIDES: readonly Side[] = ['glimpse', 'libwebrtc'];

export interface RealRun {
  recording: Recording;
  viewing: LinkViewing;
  /** Unix ms of the scenario's time 0: the first RTP packet. */
  beganAtMs: number;
  relay: Pick<Relay, 'counts' | 'lateness' | 'clients'> & { address: Address };
  /** Ready at the server to presented, ms; undefined when no frame could be matched. */
  glassToGlass: Distribution | undefined;
  /** Of presented frames against sent ones; undefined when no frame could be matched. */
  quality: Quality | undefined;
}

const SIZE = { widthPx: 640, heightPx: 360 };
/** Four times the fastest scenario: no limit. */
const MAX_BITRATE_BPS = 10_000_000;
const STATS_INTERVAL_MS = 500;
/** Longest wait for the first packet. */
const BEGIN_MAX_MS = 15_000;

/** @throws GlimpseError CONNECT_TIMEOUT when no media came, INTERNAL when media went past the relay */
export async function runReal(browser: Browser, scenario: Scenario, side: Side): Promise<RealRun> {
  const { durationMs } = scenario;
  await using stack = new AsyncDisposableStack();
  const server = stack.adopt(
    await ServerHandle.start({
      side,
      generator: 'pattern',
      size: `${SIZE.widthPx}x${SIZE.heightPx}`,
      patches: true,
      ...(side === 'libwebrtc' ? { maxBitrateBps: MAX_BITRATE_BPS, statsIntervalMs: STATS_INTERVAL_MS } : {}),
    }),
    (handle) => handle.stop(),
  );
  const page = stack.adopt(await browser.newPage(), (opened) => opened.close());
  const { capacity, outages } = pathPlan(scenario, 'forward');
  const record = new FlowRecord('media', Math.ceil(durationMs / BIN_MS));
  const recording: Recording = { durationMs, capacity: new CapacitySchedule(capacity, outages), flows: [record] };
  // What is late at the relay is late for the viewer: it goes first where the system allows it.
  stack.defer(raisePriority());
  const begun = Promise.withResolvers<Relay>();
  let opening: Promise<Relay> | undefined;
  let target: string | undefined;
  const route = async (address: string, port: number): Promise<Address | null> => {
    // One path is enough, and only one: what came by another would not be counted.
    target ??= `${address}:${port}`;
    if (target !== `${address}:${port}`) return null;
    opening ??= openRelay(scenario, { address, port }, recording);
    const relay = await opening;
    void relay.begun.then(() => begun.resolve(relay));
    return relay.address;
  };
  stack.defer(async () => (await opening)?.close());

  let beganAtMs = Number.NaN;
  const over = async (): Promise<void> => {
    const began = await within(begun.promise, BEGIN_MAX_MS);
    if (!began) return;
    beganAtMs = systemClock.wallMs();
    await sleep(durationMs);
  };
  await page.exposeFunction('glimpseBenchRoute', route);
  await page.exposeFunction('glimpseBenchOver', over);
  await page.goto(`${server.url}/healthz`);
  const signalUrl = `${server.url.replace('http', 'ws')}/signal`;
  const request = { prompt: 'a test pattern', seed: scenario.seed, mode: 'live' as const };
  const patch = { ...PATCH, everyFrames: PATCH_EVERY_FRAMES, ofWidthPx: SIZE.widthPx, ofHeightPx: SIZE.heightPx };
  const viewing = await page.evaluate(viewLink, { signalUrl, request, patch });
  const relay = await opening;
  if (!relay || Number.isNaN(beganAtMs))
    throw new GlimpseError('CONNECT_TIMEOUT', { message: `no media from ${side} within ${BEGIN_MAX_MS} ms` });
  const { counts, lateness, clients, address } = relay;
  expectThroughRelay(side, viewing, address, counts.forward.deliveredRtp);
  record.targetBps.push(...sampled(viewing.targets, beganAtMs, durationMs));
  return {
    recording,
    viewing,
    beganAtMs,
    relay: { counts, lateness, clients, address },
    glassToGlass: distribution(glassToGlass(viewing, server)),
    quality: qualityOf(psnrs(viewing, server)),
  };
}

/** Best effort: without the right to it, nothing happens. Returns what takes it back, before the next server is started. */
function raisePriority(): () => void {
  const before = getPriority();
  const set = (priority: number): void => {
    try {
      setPriority(priority);
    } catch {
      // Not permitted; the relay's lateness in the report says what that meant.
    }
  };
  set(constants.priority.PRIORITY_HIGHEST);
  return () => set(before);
}

function openRelay(scenario: Scenario, server: Address, { flows: [record], capacity }: Recording): Promise<Relay> {
  const { durationMs } = scenario;
  return Relay.open({
    forward: pathPlan(scenario, 'forward'),
    backward: pathPlan(scenario, 'backward'),
    server,
    onForward: (_sizeBytes, atUs, fate) => {
      if (atUs >= 0 && atUs < durationMs * 1_000) record?.add(atUs, fate, capacity);
    },
  });
}

/** The pair in use ends at the relay, and the browser has no packet that the relay did not deliver. */
function expectThroughRelay(side: Side, { inbound, remote }: LinkViewing, relay: Address, deliveredRtp: number): void {
  const received = inbound['packetsReceived'] ?? 0;
  if (remote === `${relay.address}:${relay.port}` && received <= deliveredRtp) return;
  throw new GlimpseError('INTERNAL', {
    message: `media of ${side} did not go through the relay`,
    details: { remote, relay: `${relay.address}:${relay.port}`, received, deliveredRtp },
  });
}

/** The estimate as last reported, every `SAMPLE_MS`. */
function sampled(targets: LinkViewing['targets'], beganAtMs: number, durationMs: number): number[] {
  return Array.from({ length: Math.ceil(durationMs / SAMPLE_MS) }, (_, index) => {
    const untilMs = beganAtMs + (index + 1) * SAMPLE_MS;
    return targets.findLast(({ atMs }) => atMs <= untilMs)?.targetBps ?? Number.NaN;
  });
}

/** Each frame counts once, when it first showed. */
function glassToGlass({ presented }: LinkViewing, server: ServerHandle): number[] {
  return presented.flatMap(({ frame, atMs }, index) => {
    const readyAtMs = server.readyAtMs(frame);
    return readyAtMs === undefined || presented[index - 1]?.frame === frame ? [] : [atMs - readyAtMs];
  });
}

function psnrs({ patches }: LinkViewing, server: ServerHandle): number[] {
  return patches.flatMap(({ frame, rgb }) => {
    const sent = server.patch(frame);
    if (!sent) return [];
    const bytes = Buffer.from(rgb, 'base64');
    const luma = sent.map((_, at) => lumaOf(bytes[3 * at] ?? 0, bytes[3 * at + 1] ?? 0, bytes[3 * at + 2] ?? 0));
    return [psnrDb(sent, luma)];
  });
}

async function within<Value>(promise: Promise<Value>, limitMs: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), limitMs)));
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
