/** How a registry wants to be told who asks (RFC 9110, 11.6.1; distribution's token specification). */
export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service: string | undefined; scope: string | undefined };

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*(?:,|$)`, 'y');
const schemeStart = new RegExp(`\\s*,?\\s*(${token})(?:\\s*,|\\s+|$)`, 'y');

/** The challenges of a WWW-Authenticate header that berth can answer, the better one first. What cannot be read is passed over. */
export function challengesOf(header: string | undefined): Challenge[] {
  const found: Challenge[] = [];
  let at = 0;
  while (header !== undefined && at < header.length) {
    schemeStart.lastIndex = at;
    const start = schemeStart.exec(header);
    if (start === null) break;
    at = schemeStart.lastIndex;
    const values = new Map<string, string>();
    for (;;) {
      parameter.lastIndex = at;
      const next = parameter.exec(header);
      if (next === null) break;
      at = parameter.lastIndex;
      values.set((next[1] ?? '').toLowerCase(), next[3] ?? (next[2] ?? '').replace(/\\(.)/g, '$1'));
    }
    const scheme = (start[1] ?? '').toLowerCase();
    const realm = values.get('realm');
    if (scheme === 'basic') found.push({ scheme });
    else if (scheme === 'bearer' && realm !== undefined)
      found.push({ scheme, realm, service: values.get('service'), scope: values.get('scope') });
  }
  return found.sort((a, b) => Number(a.scheme === 'basic') - Number(b.scheme === 'basic'));
}
