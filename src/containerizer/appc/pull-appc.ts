import { statSync } from 'node:fs';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import type { PulledImage, PullOptions } from '../image/pull.js';
import type { ImageReference } from '../image/reference.js';
import { type StoredImage, storeImages } from '../image/store-images.js';
import type { AppcOptions } from './fetch-aci.js';
import { discoverImage } from './resolve-aci.js';

/** Finds an App Container Image by its name, and brings it into the store with all that it depends on. */
export async function pullAppc(
  roots: Roots,
  parsed: Extract<ImageReference, { kind: 'appc' }>,
  reference: string,
  options: PullOptions & AppcOptions,
): Promise<PulledImage> {
  const what = `image ${reference}`;
  let fetched = 0;
  const [stored] = await storeImages(
    roots,
    what,
    async (session) => {
      const { image, appc } = await discoverImage(roots, session, parsed, options, what);
      for (const content of appc?.blobs.values() ?? [])
        fetched += typeof content === 'string' ? statSync(content).size : 0;
      return [
        { image, names: [appc?.name ?? parsed.canonical], what, ...(appc === undefined ? {} : { appc }) },
      ];
    },
    options.onProgress ?? (() => {}),
    { durable: options.durable === true },
  );
  const { names, manifestDigest, warnings } = stored as StoredImage;
  const [name = parsed.canonical] = names;
  tellImage(roots, manifestDigest, name, 'pull');
  return { name, manifestDigest, indexDigest: undefined, warnings, fetched };
}
