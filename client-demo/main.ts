/**
 * The page: a prompt, the picture while it is generated, and its cost. It opens a stream on load, so that a first
 * picture needs no click, and then steers that stream.
 */
import { GlimpseClientError, removeInput, uploadInput } from '../src/client/index.ts';
import type { Accepted, Live, PresentedFrame, RoomEvent } from '../src/client/index.ts';
import { readDeepLink, writeDeepLink } from './deep-link.ts';
import { byId } from './element.ts';
import { errorWords } from './error-words.ts';
import { InputBox } from './input-box.ts';
import { LatencyBoard } from './latency-board.ts';
import { NetworkView } from './network-view.ts';
import { Parameters } from './parameters.ts';
import { PauseButton } from './pause-button.ts';
import { Player } from './player.ts';
import { PromptBox } from './prompt-box.ts';
import { ReadingView } from './reading-view.ts';
import { RoomView } from './room-view.ts';
import { Screen } from './screen.ts';
import { SharpnessView } from './sharpness-view.ts';
import { SoundButton } from './sound-button.ts';
import { StatusLine } from './status-line.ts';
import { TimelineView } from './timeline-view.ts';
import { TransitionChoice } from './transition-choice.ts';
import { TokenBox } from './token-box.ts';

/** Long enough to watch a clip being refined, short enough to watch it whole. */
const CLIP_SECONDS = 4;

const link = readDeepLink(location);
let { prompt, token, room } = link;

const status = new StatusLine();
const screen = new Screen();
const sharpness = new SharpnessView(status);
const network = new NetworkView();
const latency = new LatencyBoard(byId('latency', HTMLElement));
const reading = new ReadingView(byId('fields', HTMLElement), byId('unknown', HTMLElement));
const timeline = new TimelineView((timeMs) => tell((live) => live.seek(timeMs)));
const promptBox = new PromptBox((text) => steerTo(text));
const soundButton = new SoundButton(screen.video);
const pauseButton = new PauseButton((paused) => tell((live) => setPaused(live, paused)));
const transition = new TransitionChoice();
const roomView = new RoomView(() => tell((live) => live.share()));
const parameters = new Parameters({
  onMode: () => open(),
  onSeed: (seed) => steer((live) => live.steer({ seed })),
  onSeedRefused: (words) => void status.notice(words),
  onGuidance: (guidance) => steer((live) => live.steer({ guidance })),
});
const inputBox = new InputBox({
  upload: (file, signal) => uploadInput(file, { token, signal }),
  remove: (id) => removeInput(id, { token }),
  onChange: () => open(),
});
const player = new Player(status, {
  onWelcome: (welcome) => {
    promptBox.offer(welcome);
    inputBox.offer(welcome);
    byId('generator', HTMLElement).textContent = welcome.generator.name;
    byId('generator', HTMLElement).title = welcome.generator.conditioning;
  },
  onLive: watch,
  onTokenNeeded: () => tokenBox.ask(),
  onInputLost: () => inputBox.clear(errorWords({ code: 'INPUT_NOT_FOUND', message: '' })),
  missing: () => inputBox.missing,
});
const tokenBox = new TokenBox((given) => {
  token = given;
  open();
});

function open(): void {
  const { mode, seed, guidance } = parameters;
  latency.start(performance.now());
  network.clear();
  pauseButton.show(false);
  timeline.paused = false;
  roomView.clear();
  const { transitionSlices } = transition;
  void player.open({
    prompt,
    seed,
    guidance,
    transitionSlices,
    mode,
    seconds: CLIP_SECONDS,
    token,
    input: inputBox.id,
    room,
  });
}

function watch(live: Live): void {
  const begin = () => {
    timeline.reset(live, parameters.mode === 'clip' ? CLIP_SECONDS * 1000 : null);
    sharpness.reset(live.welcome);
  };
  begin();
  live.on('session', begin);
  screen.show(live.stream);
  live.on('state', (state) => {
    screen.reconnecting(state === 'reconnecting');
    roomView.offer(state === 'live');
  });
  soundButton.offer(live.hasSound);
  live.on('sound', () => soundButton.offer(true));
  live.on('room', join);
  if (live.room) join(live.room);
  live.on('steered', (event) => timeline.steered(event));
  roomView.offer(true);
  if (live.accepted) accept(live.accepted);
  live.on('accepted', accept);
  live.on('tier', (event) => timeline.addTier(event));
  live.on('stats', (stats) => {
    network.show(stats);
    latency.measured(stats);
    latency.connected(live.timeToConnectMs);
    pauseButton.show(stats.paused);
    timeline.paused = stats.paused;
  });
  live.onFrame(screen.video, (frame) => present(live, frame));
}

/** A watcher has no controls; another cannot change what the room has been given. */
function join(event: RoomEvent): void {
  roomView.show(event);
  room = { name: event.name, key: event.keys?.host ?? room?.key };
  promptBox.enable(event.right === 'host' || event.right === 'steer');
}

function present(live: Live, frame: PresentedFrame): void {
  screen.present(frame);
  timeline.present(frame, screen.video);
  if (frame.playing) reading.present(timeline.promptOf(frame.playing));
  latency.connected(live.timeToConnectMs);
  sharpness.present(frame);
  latency.presented(frame.playing, frame.presentedAtMs);
}

function accept(accepted: Accepted): void {
  timeline.accept(accepted);
  prompt = accepted.prompt;
  promptBox.show(accepted.prompt);
  parameters.showSeed(accepted.seed);
  reading.accept(accepted);
  const shown = { prompt: accepted.prompt, seed: accepted.seed, mode: parameters.mode };
  history.replaceState(null, '', writeDeepLink(location.search, shown));
}

/** Sends a new prompt to the running stream; without a stream, the next one begins with it. */
function steerTo(text: string): void {
  status.settle();
  if (text === '') return void status.notice(errorWords({ code: 'PROMPT_EMPTY', message: '' }));
  prompt = text;
  if (!player.live) return open();
  const { seed, guidance } = parameters;
  const change = {
    ...(seed === undefined ? {} : { seed }),
    ...(guidance === undefined ? {} : { guidance }),
    ...transition.change,
  };
  return steer((live) => live.setPrompt(text, change));
}

/** Sends a control that creates a revision, and measures until that revision is on screen. */
function steer(send: (live: Live) => Promise<Accepted>): void {
  const sentAtMs = performance.now();
  tell(async (live) => latency.steered((await send(live)).revision, sentAtMs));
}

async function setPaused(live: Live, paused: boolean): Promise<void> {
  pauseButton.show(paused);
  timeline.paused = paused;
  await (paused ? live.pause() : live.play());
}

function tell(send: (live: Live) => Promise<void>): void {
  if (!player.live) return void status.notice('There is no stream yet.');
  send(player.live).catch((error: unknown) => {
    status.notice(error instanceof GlimpseClientError ? errorWords(error) : String(error));
  });
}

status.onAgain(open);
// A secret in the address bar would appear in screenshots.
if (token !== undefined || room !== undefined) history.replaceState(null, '', location.pathname + location.search);
parameters.showMode(link.mode);
parameters.showSeed(link.seed);
if (prompt !== undefined) promptBox.show(prompt);
open();
