/**
 * Parses JSON as Python's `json` writes it, with `NaN`, `Infinity` and `-Infinity`, which JSON (RFC 8259) does not
 * have. They are read as null, as ComfyUI's own page does: one custom node's default must not hide all others.
 */

/** @returns undefined if the text is not JSON */
export function parsePythonJson(text: string): unknown {
  return parsed(text) ?? parsed(withoutOddNumbers(text));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Looks at each character at most twice, for any text. */
function withoutOddNumbers(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const outside = text.slice(at, quote === -1 ? undefined : quote);
    pieces.push(outside.replaceAll(/-?Infinity|NaN/g, 'null'));
    if (quote === -1) break;
    at = endOfString(text, quote);
    pieces.push(text.slice(quote, at));
  }
  return pieces.join('');
}

/** Index after the closing quote of the string at `quote`: a quote after an even number of backslashes. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}
