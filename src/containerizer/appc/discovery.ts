import { BerthError } from '../../errors/berth-error.js';
import { hostPlatform } from '../image/platform.js';
import type { Web } from '../registry/web.js';
import { type DiscoveryTag, discoveryTags } from './meta-tags.js';

/** Where an image may be had from, in the order to try. */
export interface DiscoveredImage {
  places: { image: URL; signature: URL }[];
}

const pageBytes = 1 << 20;
// What Go calls this machine, the specification calls so (schema/types/labels.go, "ToAppcOSArch").
const machines: Record<string, string> = { '386': 'i386', arm64: 'aarch64', arm: 'armv7l' };

/**
 * Finds where an image is by its name (discovery.md): by what the pages of the name and those above it say of it ("meta discovery"), else, as the specification had it before 0.7, by
 * an address made of its name ("simple discovery"). A label that was not asked for is this host's, and the version `latest`.
 */
export async function discover(
  web: Web,
  name: string,
  labels: Readonly<Record<string, string>>,
  what: string,
): Promise<DiscoveredImage> {
  const { os, architecture } = hostPlatform();
  const filled = { version: 'latest', os, arch: machines[architecture] ?? architecture, ...labels, name };
  const tags = await tagsFor(web, name, 'ac-discovery', what);
  const places = tags.flatMap(({ target }) => {
    const image = render(target, { ...filled, ext: 'aci' });
    const signature = render(target, { ...filled, ext: 'aci.asc' });
    return image === undefined || signature === undefined ? [] : [{ image, signature }];
  });
  if (places.length === 0) {
    const simple = 'https://{name}-{version}-{os}-{arch}.{ext}';
    const image = render(simple, { ...filled, ext: 'aci' });
    const signature = render(simple, { ...filled, ext: 'aci.asc' });
    if (image !== undefined && signature !== undefined) places.push({ image, signature });
  }
  return { places };
}

/** The addresses of the keys that sign images of a name, or of names with that prefix. */
export async function discoverKeys(web: Web, name: string, what: string): Promise<URL[]> {
  const tags = await tagsFor(web, name, 'ac-discovery-pubkeys', what);
  return tags.flatMap(({ target }) => {
    const url = secure(target);
    return url === undefined ? [] : [url];
  });
}

/** From the first page, of the name or above it, that has tags for it. */
async function tagsFor(
  web: Web,
  name: string,
  kind: DiscoveryTag['name'],
  what: string,
): Promise<DiscoveryTag[]> {
  const parts = name.split('/');
  let failure: unknown;
  for (let length = parts.length; length > 0; length--) {
    const url = secure(`https://${parts.slice(0, length).join('/')}?ac-discovery=1`);
    if (url === undefined) continue;
    let page: Buffer | undefined;
    try {
      page = await web.document(url, pageBytes, what);
    } catch (error) {
      // Whether a page above can be had is not known yet.
      failure ??= error;
      continue;
    }
    const tags = discoveryTags(page?.toString() ?? '').filter(
      (tag) => tag.name === kind && name.startsWith(tag.prefix),
    );
    if (tags.length > 0) return tags;
  }
  if (failure !== undefined) throw failure;
  return [];
}

/** A template whose every part is known, as an address under https; undefined: it is none. */
export function render(template: string, values: Readonly<Record<string, string>>): URL | undefined {
  let complete = true;
  const text = template.replace(/\{([a-z0-9-._~/]+)\}/g, (_, key: string) => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined;
    if (value === undefined) complete = false;
    // A name has slashes of its own; of a version nothing may become a part of the address.
    return key === 'name' ? (value ?? '') : encodeURIComponent(value ?? '');
  });
  return complete ? secure(text) : undefined;
}

function secure(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // A host alone; who asks is nobody's business.
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}

export function notDiscovered(what: string, places: readonly { image: URL }[]): BerthError {
  return new BerthError('IMAGE_NOT_FOUND', {
    what,
    why:
      places.length === 0
        ? 'no page says where it is'
        : `it is not at ${places.map(({ image }) => image.href).join(', nor at ')}`,
    mend: 'Check the name and the version, or load a file: berth image load FILE.aci.',
  });
}
