/** `npm start` in a clone: builds the page, then serves. */
import { fileURLToPath } from 'node:url';
import { onSuitableNode } from './own-node.js';

onSuitableNode(fileURLToPath(import.meta.url), async () => {
  const { buildPage } = await import('../scripts/build-page.ts');
  if (!(await buildPage())) return;
  process.argv.splice(1, 1, fileURLToPath(new URL('glimpse.js', import.meta.url)), 'serve');
  await import('../src/cli.ts');
});
