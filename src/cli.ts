#!/usr/bin/env node
/** The program's entry: what lives long starts with the settings that keep its memory flat; then the command line. */
import { replaceProcess } from './launch/replace-process.ts';

replaceProcess(process);
// Loaded only now: a process that is about to be replaced loads nothing in vain.
await import('./command-line.ts');
