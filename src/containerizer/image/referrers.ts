import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Descriptor } from '../../oci-spec/image.js';
import { locationOf } from '../registry/location.js';
import { fetchManifest } from '../registry/manifests.js';
import { fetchReferrers } from '../registry/referrers.js';
import { type RegistryOptions, RegistrySession } from '../registry/session.js';
import { parseReference } from './reference.js';

export interface ReferrersList {
  name: string;
  /** What they refer to: of an image for several platforms its index. */
  digest: Digest;
  referrers: Descriptor[];
}

/** What a registry has that refers to an image there. Asks the registry itself: mirrors seldom have such things. */
export async function listReferrers(
  reference: string,
  options: RegistryOptions = {},
): Promise<ReferrersList> {
  const what = `image ${reference}`;
  const parsed = parseReference(reference);
  if (parsed.kind !== 'stored') {
    throw new BerthError('REFERENCE_INVALID', {
      what,
      why: 'it names no registry',
      mend: 'Use NAME[:TAG][@DIGEST].',
    });
  }
  const session = await RegistrySession.open(options);
  try {
    const location = locationOf(parsed.name);
    const own = session.candidates(location, false).find(({ mirror }) => !mirror);
    const repository = await session.repository(own ?? { location, insecure: false, mirror: false }, 'pull');
    const digest = parsed.digest ?? (await fetchManifest(repository, { tag: parsed.tag }, what)).digest;
    return { name: parsed.canonical, digest, referrers: await fetchReferrers(repository, digest, what) };
  } finally {
    session.close();
  }
}
