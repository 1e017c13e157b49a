/** `<meta name="ac-discovery" content="PREFIX TEMPLATE">` (discovery.md). */
export interface DiscoveryTag {
  name: 'ac-discovery' | 'ac-discovery-pubkeys';
  prefix: string;
  /** A template of an address, or of keys an address. */
  target: string;
}

const mostTags = 1000;

/**
 * The discovery tags of an HTML page, in order. Comments count for nothing, and neither does what stands in scripts. Nothing else of the page is looked at, so it need not be
 * well-formed.
 */
export function discoveryTags(page: string): DiscoveryTag[] {
  const found: DiscoveryTag[] = [];
  for (const tag of metaTags(page)) {
    const attributes = attributesOf(tag);
    const name = attributes.get('name')?.toLowerCase();
    if (name !== 'ac-discovery' && name !== 'ac-discovery-pubkeys') continue;
    const [prefix, target, more] = (attributes.get('content') ?? '').trim().split(/\s+/);
    if (prefix === undefined || prefix === '' || target === undefined || more !== undefined) continue;
    found.push({ name, prefix, target });
    if (found.length >= mostTags) break;
  }
  return found;
}

/** What stands between `<meta` and `>`. By searches for fixed words, so that no page takes more than one look at each of its characters. */
function* metaTags(page: string): Generator<string> {
  const lower = page.toLowerCase();
  let at = 0;
  for (;;) {
    const open = lower.indexOf('<', at);
    if (open < 0) return;
    if (lower.startsWith('<!--', open)) at = after(lower, '-->', open + 4);
    else if (lower.startsWith('<script', open)) at = after(lower, '</script', open);
    else if (lower.startsWith('<style', open)) at = after(lower, '</style', open);
    else if (lower.startsWith('<meta', open)) {
      const end = endOfTag(page, open);
      yield page.slice(open + '<meta'.length, end);
      at = end;
    } else at = open + 1;
  }
}

function after(text: string, word: string, from: number): number {
  const found = text.indexOf(word, from);
  return found < 0 ? text.length : found + word.length;
}

/** The `>` that is in no quotes. */
function endOfTag(page: string, from: number): number {
  let quote = '';
  for (let i = from; i < page.length; i++) {
    const c = page.charAt(i);
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === '>') return i;
    else if (c === '"' || c === "'") quote = c;
  }
  return page.length;
}

const attribute = /([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

function attributesOf(tag: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', double, single, bare] of tag.matchAll(attribute)) {
    const key = name.toLowerCase();
    // The first counts (HTML, "Attribute name state").
    if (!found.has(key)) found.set(key, unescaped(double ?? single ?? bare ?? ''));
  }
  return found;
}

/** Addresses have ampersands, and careful authors escape them. */
function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
