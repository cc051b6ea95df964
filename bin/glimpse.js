#!/usr/bin/env node
/** The `glimpse` command: says in words what is missing, else hands over to the command line. Plain JavaScript for any Node. */
import { fileURLToPath } from 'node:url';
import { onSuitableNode } from './own-node.js';
import { isClone } from './requirements.js';

onSuitableNode(fileURLToPath(import.meta.url), () => import(isClone() ? '../src/cli.ts' : '../dist/src/cli.js'));
