/** Which files of the repository are in the package `glimpse`. */

/** What a user of the service needs; benches and tests are run from a clone. */
export const SHIPPED = ['bin', 'dist', 'docs', 'examples', 'models', 'LICENSE', 'README.md', 'SECURITY.md'];
const LEFT_OUT = [
  /^dist\/(packages|bench|scripts|test|src\/client)(\/|$)/,
  /^docs\/plots(\/|$)/,
  /^models\/(?!glimpse-)[^/]+/,
  /^bin\/(check|dev|start)\.js$/,
];

/** @param path below one of `SHIPPED`, from the root, with slashes */
export const isShipped = (path: string): boolean => !LEFT_OUT.some((pattern) => pattern.test(path));
