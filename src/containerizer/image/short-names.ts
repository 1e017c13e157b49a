import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { Registries } from '../registry/registries.js';
import { type ImageReference, parseReference } from './reference.js';
import { isStored } from './stored-image.js';

type StoredReference = Extract<ImageReference, { kind: 'stored' }>;

/** Where a name may be looked for, as the store calls it. */
export interface Named {
  canonical: string;
  name: string;
  tag: string;
  digest: Digest | undefined;
}

/**
 * What a short name may stand for (containers-registries.conf(5)): the one name that an alias gives it, else the same below each of unqualified-search-registries. Nothing of
 * either: Docker Hub, as it stands.
 */
export function wholeNames(parsed: StoredReference, { aliases, search }: Registries): Named[] {
  if (!parsed.short) return [parsed];
  const suffix = parsed.digest === undefined ? `:${parsed.tag}` : `@${parsed.digest}`;
  const alias = aliases.get(parsed.name);
  const names = alias === undefined ? search.map((registry) => `${registry}/${parsed.name}`) : [alias];
  if (names.length === 0) return [parsed];
  return names.map((name) => {
    const whole = parseReference(`${name}${suffix}`);
    return whole.kind === 'stored' ? whole : parsed;
  });
}

/** The first whole name of a short one that the store has an image of. */
export async function storedWholeName(
  roots: Roots,
  parsed: StoredReference,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (!parsed.short) return undefined;
  const names = wholeNames(parsed, await Registries.read(environment));
  return names.map(({ canonical }) => canonical).find((name) => isStored(roots, parseReference(name), name));
}
