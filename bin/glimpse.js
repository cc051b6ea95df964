#!/usr/bin/env node
/** The `glimpse` command: says in words what is missing, else hands over to the command line. Plain JavaScript for any Node. */
import { isClone, nodeComplaint, packagesComplaint } from './requirements.js';

const wrong = nodeComplaint() ?? packagesComplaint();
if (wrong === undefined) import(isClone() ? '../src/cli.ts' : '../dist/src/cli.js').catch(explain);
else fail(wrong);

/** A package of a package is missing: an installation that was cut off. */
function explain(error) {
  if (!error || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  fail(`node_modules is incomplete: ${error.message.split('\n')[0]}. Install again ("npm ci" in a clone).`);
}

function fail(words) {
  console.error(words);
  process.exitCode = 1;
}
