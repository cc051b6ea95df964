/** `npm run dev` in a clone: the service, started again when a source changes, and the page by Vite, which reloads it. */
import { fileURLToPath } from 'node:url';
import { onSuitableNode } from './own-node.js';

onSuitableNode(fileURLToPath(import.meta.url), () => import('../scripts/dev.ts'));
