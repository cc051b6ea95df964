/** The first step of each npm script: one line in words when it cannot work, and the Node of this project in its place. */
import { linkNode } from './node-link.js';
import { isClone, nodeComplaint, packagesComplaint } from './requirements.js';

// With the project's own Node in place, what comes next in the script runs on that one.
const isNodeOurs = isClone() && linkNode();
const wrong = packagesComplaint() ?? (isNodeOurs ? undefined : nodeComplaint());
if (wrong !== undefined) {
  console.error(wrong);
  process.exit(1);
}
