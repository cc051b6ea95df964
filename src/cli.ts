#!/usr/bin/env node
/** Entry point: sets the memory settings for long-lived commands, then runs the command line. */
import { replaceProcess } from './launch/replace-process.ts';

replaceProcess(process);
// Loaded only now: a process that is about to be replaced loads nothing else.
await import('./command-line.ts');
