/**
 * A promise kept in a field may reject while nobody awaits it, and an unhandled rejection ends the process. So each value
 * that such a field gets has a handler where it is made: `kept(…)`, `.catch(…)`, or it is no promise that can reject.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FIELD = /^ {2}(?:readonly )?(#?\w+)\??: Promise<.*>(?: \| undefined)?(?: = (.*))?;$/gm;
const COLLECTION = /^ {2}readonly (#\w+) = new (?:Set|Map|WeakMap)<.*Promise<.*>>\(\);$/gm;
const HANDLED = /\bkept\(|\.catch\(|^undefined\b|^Promise\.resolve\(|^new Promise(?:<\w+>)?\(\(resolve\)|allSettled\(/;

const sources = ['src', 'signaling'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('client'))
    .map((name) => join(folder, name)),
);

/** The expression that begins at `from`, to its semicolon or the bracket that closes what it stands in. */
function expressionAt(text: string, from: number): string {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (depth < 0 || (depth === 0 && character === ';')) return text.slice(from, at).trim();
  }
  return text.slice(from).trim();
}

/** A bare name stands for what it was declared with. */
function resolved(text: string, expression: string): string {
  if (!/^\w+$/.test(expression)) return expression;
  const declared = new RegExp(`(?:const|let) ${expression} = `).exec(text);
  return declared ? expressionAt(text, declared.index + declared[0].length) : expression;
}

function unhandledIn(text: string): string[] {
  const found: string[] = [];
  const look = (what: string, expression: string): void => {
    const value = resolved(text, expression);
    // Or it is given one in a statement of its own.
    const caught = /^\w+$/.test(expression) && text.includes(`${expression}.catch(`);
    if (!HANDLED.test(value) && !caught) found.push(`${what} = ${value.split('\n')[0]}`);
  };
  for (const [, name = '', initial] of text.matchAll(FIELD)) {
    if (initial !== undefined) look(name, initial);
    const assigned = new RegExp(`this\\.${name} (?:\\?\\?)?= (?!>)`, 'g');
    for (const match of text.matchAll(assigned)) look(name, expressionAt(text, match.index + match[0].length));
  }
  for (const [, name = ''] of text.matchAll(COLLECTION)) {
    const added = new RegExp(`this\\.${name}\\.(?:add|set)\\((?:[^,()]+, )?`, 'g');
    for (const match of text.matchAll(added)) look(name, expressionAt(text, match.index + match[0].length));
  }
  return found;
}

it.each(sources)('%s keeps no promise without a handler', (path) => {
  expect(unhandledIn(readFileSync(join(ROOT, path), 'utf8'))).toEqual([]);
});

it('finds one that has none', () => {
  const without =
    'class A {\n  #folder: Promise<string> | undefined;\n  make() { this.#folder ??= this.#made(); }\n}\n';
  expect(unhandledIn(without)).toEqual(['#folder = this.#made()']);
  expect(unhandledIn(without.replace('this.#made()', 'kept(this.#made())'))).toEqual([]);
  const inSet = 'class A {\n  readonly #all = new Set<Promise<void>>();\n  go() { this.#all.add(this.#one()); }\n}\n';
  expect(unhandledIn(inSet)).toHaveLength(1);
});
