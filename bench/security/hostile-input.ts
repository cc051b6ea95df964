/** What a hostile client sends, of a fixed seed: messages that are none, and offers with holes in them. */
import { seededRandom } from '../link/seeded-random.ts';

const TYPES = ['offer', 'restart', 'candidate', 'resume', 'prompt', 'steer', 'seek', 'dance', '__proto__', ''];
const VALUES = ['null', '[]', '{}', '1e999', '-1', '"\\ud800"', '"x"', 'true', '[[[[]]]]', '{"a":{"b":{"c":1}}}'];
const FIELDS = ['id', 'sdp', 'request', 'prompt', 'candidate', 'seed', 'guidance', 'timeMs', 'tierCap', 'sessionId'];
/** One message in so many is as large as a message may be. */
const LARGE_EVERY = 200;
const LARGE_CHARS = 64 * 1024;

/** Text that no client of ours sends; every one is refused. */
export function malformedMessages(count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const almost = (): string => {
    // A control that is one: a value of no field's type makes it wrong.
    const fields = Array.from({ length: 1 + Math.floor(random() * 4) }, () => `"${pick(FIELDS)}":${pick(VALUES)}`);
    return `{"type":"${pick(TYPES)}",${fields.join(',')},"sdp":7,"prompt":7,"timeMs":"x","candidate":7,"tierCap":7}`;
  };
  const kinds: (() => string)[] = [
    almost,
    () => almost().slice(0, Math.floor(random() * 60)),
    () => pick(VALUES),
    () => String.fromCharCode(...Array.from({ length: 40 }, () => Math.floor(random() * 0xd800))),
    () => '['.repeat(Math.floor(random() * 2_000)),
  ];
  return Array.from({ length: count }, (_, index) => {
    if (index % LARGE_EVERY !== 0) return pick(kinds)();
    return `{"type":"offer","sdp":"${'a=ssrc:1 '.repeat(LARGE_CHARS / 9).slice(0, LARGE_CHARS - 100)}","request":{}}`;
  });
}

/** Offers cut, doubled, swapped and stuffed; some can still be answered. */
export function mutatedOffers(offer: string, count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    const lines = offer.split('\r\n');
    for (let edits = 1 + below(5); edits > 0; edits--) {
      const at = below(lines.length);
      const line = lines[at] ?? '';
      switch (below(6)) {
        case 0:
          lines.splice(at, 1);
          break;
        case 1:
          lines.splice(at, 0, ...lines.slice(at, at + below(12)));
          break;
        case 2:
          lines[at] = line.slice(0, below(line.length + 1));
          break;
        case 3:
          lines[at] = line.replaceAll(/\d+/g, String(below(2 ** 31)));
          break;
        case 4:
          lines.splice(at, 0, ...Array.from({ length: below(900) }, (_, index) => `a=ssrc:${index} cname:x`));
          break;
        default:
          lines[at] = `${line.slice(0, 6)}${String.fromCharCode(below(0xd800))}${'x'.repeat(below(2_000))}`;
      }
    }
    return lines.join('\r\n');
  });
}
