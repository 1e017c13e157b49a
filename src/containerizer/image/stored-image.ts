import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { imageById } from './by-id.js';
import type { StoredLayer } from './layers.js';
import { type NamedImage, readNames } from './names.js';
import type { ImageReference } from './reference.js';
import { sourceStamp } from './source-stamp.js';

/** The store's record of a reference, if it holds for what is there now. */
export function lookUp(roots: Roots, parsed: ImageReference, reference: string): NamedImage | undefined {
  const { images } = readNames(roots);
  const named = Object.hasOwn(images, parsed.canonical) ? images[parsed.canonical] : undefined;
  if (parsed.kind !== 'stored') {
    // The tag may have moved: only the very content that was looked through before needs no second look.
    const stamp = named && sourceStamp(parsed, `image ${reference}`);
    return stamp !== undefined && stamp === named?.index_digest ? named : undefined;
  }
  if (named === undefined) {
    const manifest_digest = imageById(roots, reference);
    if (manifest_digest !== undefined)
      return { manifest_digest, loaded_at: loadedAt(images, manifest_digest) };
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: 'it is not in the store',
      mend: 'See berth image ls, or load it: berth image load oci:DIR[:TAG] NAME.',
    });
  }
  if (parsed.digest !== undefined && parsed.digest !== named.manifest_digest) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: `${parsed.canonical} is ${named.manifest_digest} in the store`,
    });
  }
  return named;
}

/** When the first of its names was given. */
function loadedAt(images: Record<string, NamedImage>, manifest: Digest): string {
  const times = Object.values(images).filter((image) => image.manifest_digest === manifest);
  return times.map((image) => image.loaded_at).sort()[0] ?? '';
}

export function warningsOf(
  layer: Pick<StoredLayer, 'diff_id' | 'devices_skipped' | 'xattrs_skipped'>,
): string[] {
  const about = `layer ${layer.diff_id.slice(0, 19)}`;
  const warnings: string[] = [];
  if (layer.devices_skipped > 0) {
    warnings.push(`${about}: ${layer.devices_skipped} device nodes left out: a container gets its own /dev`);
  }
  if (layer.xattrs_skipped > 0) {
    warnings.push(
      `${about}: ${layer.xattrs_skipped} extended attributes left out: reserved, or unknown to the file system`,
    );
  }
  return warnings;
}
