import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { admit, type PolicyOptions } from '../policy/admit.js';
import { noSignatures } from '../policy/signatures.js';
import { ArchiveFiles } from './archive-files.js';
import { mustHoldImages, resolveSaved, savedImages, savedIndex } from './docker-archive.js';
import { resolveAll } from './oci-layout.js';
import { parseReference } from './reference.js';
import type { Session } from './store.js';
import type { ImageToStore } from './store-images.js';
import { wholeOfLayout } from './whole-index.js';

/**
 * Every image of an archive, of `docker save` or OCI. `name`: what to call the only one; without it they are called as the archive has
 * it, a bare tag and an image without any after the file.
 */
export async function loadArchive(
  session: Session,
  input: string | number,
  name: string | undefined,
  what: string,
  options: PolicyOptions & { allPlatforms?: boolean | undefined } = {},
): Promise<ImageToStore[]> {
  const place = typeof input === 'string' ? input : 'the archive';
  const files = await ArchiveFiles.open(session, input, place, what);
  mustHoldImages(files, what);
  const found = await imagesIn(files, session, options.allPlatforms === true, what);
  const form = files.has(savedIndex) ? 'docker-archive' : 'oci-archive';
  const source = `${form}:${typeof input === 'string' ? path.resolve(input) : '-'}`;
  const admission = await admit(
    source,
    found.map(({ image }) => image.manifestDigest),
    noSignatures,
    options,
    what,
  );
  if (found.length === 0) throw new BerthError('IMAGE_INVALID', { what, why: 'it has no image' });
  if (name !== undefined) {
    if (found.length > 1) {
      throw new BerthError('USAGE', {
        what,
        why: `it has ${found.length} images, and one name was given`,
        mend: 'Leave the name out, or take one image: berth image load docker-archive:FILE:TAG NAME.',
      });
    }
    return found.map(({ names: _names, ...image }) => ({ ...image, names: [name], what, admission }));
  }
  const file = typeof input === 'string' ? input : undefined;
  return found.map(({ names, ...image }) => ({
    ...image,
    names: (names.length > 0 ? names : ['latest']).map((tag) => fullName(tag, file, what)),
    what,
    admission,
  }));
}

type FoundImage = Pick<ImageToStore, 'image' | 'names' | 'stamp' | 'whole'>;

async function imagesIn(
  files: ArchiveFiles,
  session: Session,
  allPlatforms: boolean,
  what: string,
): Promise<FoundImage[]> {
  const images: FoundImage[] = [];
  // What newer Dockers write is both; for all platforms only its other half has words.
  if (!files.has(savedIndex) || (allPlatforms && files.has('oci-layout'))) {
    for (const found of resolveAll(files, what)) {
      const whole = allPlatforms ? await wholeOfLayout(files, found, what) : undefined;
      const { image, names, index } = found;
      images.push({
        image,
        names,
        ...(index === undefined ? {} : { stamp: index.digest }),
        ...(whole === undefined ? {} : { whole }),
      });
    }
    return images;
  }
  for (const saved of savedImages(files, what)) {
    images.push({ image: await resolveSaved(files, session, saved, what), names: saved.RepoTags ?? [] });
  }
  return images;
}

/** What the archive calls an image may be a whole name, or a tag alone. */
function fullName(tag: string, file: string | undefined, what: string): string {
  if (!tag.includes(':') && !tag.includes('/') && file === undefined) {
    throw new BerthError('USAGE', {
      what,
      why:
        tag === 'latest' ? 'it does not say what its image is called' : `it has the tag ${tag} and no name`,
      mend: 'Give the name: berth image load -i - NAME.',
    });
  }
  const whole = tag.includes(':') || tag.includes('/') ? tag : `${nameOf(file ?? '')}:${tag}`;
  const canonical = storedName(whole);
  if (canonical !== undefined) return canonical;
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: `its image would be called ${JSON.stringify(whole)}, which is no name`,
    mend: 'Give one: berth image load -i FILE NAME.',
  });
}

/** `NAME:TAG`, if the text can be read so. */
export function storedName(text: string): string | undefined {
  try {
    const parsed = parseReference(text);
    return parsed.kind === 'stored' && parsed.digest === undefined ? parsed.canonical : undefined;
  } catch (error) {
    if (error instanceof BerthError && error.code === 'REFERENCE_INVALID') return undefined;
    throw error;
  }
}

/** `busybox` from `/tmp/Busybox.tar.gz`. */
export function nameOf(file: string): string {
  return path
    .basename(file)
    .toLowerCase()
    .replace(/\.(?:tgz|tzst|txz|tbz2?|(?:tar|oci)(?:\.[a-z0-9]+)?)$/, '');
}
