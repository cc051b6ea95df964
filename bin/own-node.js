/** Goes on under the Node that a clone brings, where the one that was called is too old for it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ownNode } from './node-link.js';
import { isClone, nodeComplaint, packagesComplaint } from './requirements.js';

const PARENT_CHECK_MS = 500;
/** Signals that a terminal, npm or a service manager sends. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs `main` under a Node that can run this project: this process where its Node can, else this process replaced (execve), else
 * a child with the same streams, signals and exit code. One line in words, and exit code 1, where there is none or packages
 * are missing.
 * @param {string} script path of the script that calls this
 * @param {() => Promise<unknown>} main
 */
export function onSuitableNode(script, main) {
  endWithNpm();
  const aboutPackages = packagesComplaint();
  const aboutNode = nodeComplaint();
  const node = isClone() ? ownNode() : undefined;
  if (aboutPackages !== undefined) fail(aboutPackages);
  else if (aboutNode === undefined) main().catch(explain);
  else if (node === undefined || node === process.execPath) fail(aboutNode);
  else replaceBy(node, [...process.execArgv, script, ...process.argv.slice(2)]);
}

/**
 * npm hands SIGTERM to the shell between it and its script, and most shells do not pass it on. So a script of npm's ends, as by
 * SIGTERM, when that shell is gone. Windows does not tell.
 */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const check = () => process.ppid !== parent && process.kill(process.pid, 'SIGTERM');
  setInterval(check, PARENT_CHECK_MS).unref();
}

/** `process.execve` is younger than Node 20. */
function replaceBy(node, args) {
  if (process.execve !== undefined) process.execve(node, [node, ...args], process.env);
  const child = spawn(node, args, { stdio: 'inherit' });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => fail(`${node} cannot be run: ${error.message}`));
  child.once('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
    for (const name of SIGNALS) process.removeAllListeners(name);
  });
}

/** A package of a package is missing: an installation that was cut off. */
function explain(error) {
  if (!error || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  fail(`node_modules is incomplete: ${error.message.split('\n')[0]}. Install again ("npm ci" in a clone).`);
}

function fail(words) {
  console.error(words);
  process.exitCode = 1;
}
