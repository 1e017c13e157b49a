/**
 * JSON as people write it: `//` and `/* *\/` comments, and commas before a closing bracket, become spaces, so that every other character stays in its line and column.
 */
export function withoutComments(text: string): string {
  const out = text.split('');
  const blank = (from: number, to: number) => {
    for (let at = from; at < to; at++) if (out[at] !== '\n' && out[at] !== '\r') out[at] = ' ';
  };
  /** A comma after a value that nothing has followed yet. */
  let comma: number | undefined;
  let before = '';
  for (let at = 0; at < text.length; ) {
    const end = endOfToken(text, at);
    if (text.startsWith('//', at) || text.startsWith('/*', at)) blank(at, end);
    else if (!/\s/.test(text[at] ?? '')) {
      const token = text[at] ?? '';
      if (comma !== undefined && /[}\]]/.test(token)) blank(comma, comma + 1);
      comma = token === ',' && /[^{[,]/.test(before) ? at : undefined;
      before = token;
    }
    at = end;
  }
  return out.join('');
}

/** A string and a comment are one token, as far as they go; all else is taken character by character. */
function endOfToken(text: string, from: number): number {
  if (text[from] === '"') {
    for (let at = from + 1; at < text.length; at++) {
      if (text[at] === '\\') at++;
      else if (text[at] === '"') return at + 1;
    }
    return text.length;
  }
  if (text.startsWith('//', from)) return endOr(text, text.indexOf('\n', from));
  if (text.startsWith('/*', from)) {
    const close = text.indexOf('*/', from + 2);
    return close < 0 ? text.length : close + 2;
  }
  return from + 1;
}

const endOr = (text: string, index: number) => (index < 0 ? text.length : index);

/** Parses it. The error names line and column. */
export function parseCommented(text: string): unknown {
  const plain = withoutComments(text);
  try {
    return JSON.parse(plain);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const found = /^(.*?) in JSON at position (\d+)/s.exec(message);
    if (found === null) throw new SyntaxError(message);
    const before = plain.slice(0, Number(found[2])).split('\n');
    throw new SyntaxError(`${found[1]} in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`);
  }
}
