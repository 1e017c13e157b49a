import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { type AppcRecord, fits } from '../appc/record.js';
import { imageById } from './by-id.js';
import { type NamedImage, type NameIndex, readNames } from './names.js';
import type { ImageReference } from './reference.js';
import { sourceStamp } from './source-stamp.js';
import type { StoredLayer } from './stored-layer.js';

/** The store's record of a reference, if it holds for what is there now. */
export function lookUp(roots: Roots, parsed: ImageReference, reference: string): NamedImage | undefined {
  const names = readNames(roots);
  const { images } = names;
  const named = namedIn(names, parsed);
  if (parsed.kind === 'appc') return named;
  if (parsed.kind !== 'stored') {
    // The tag may have moved: only the very content that was looked through before needs no second look.
    const stamp = named && sourceStamp(parsed, `image ${reference}`);
    return stamp !== undefined && stamp === named?.index_digest ? named : undefined;
  }
  if (named === undefined) {
    const manifest_digest = imageById(roots, reference);
    if (manifest_digest !== undefined) {
      const index_digest = wholeIndexOf(names, manifest_digest);
      return {
        manifest_digest,
        loaded_at: loadedAt(images, manifest_digest),
        ...(index_digest === undefined ? {} : { index_digest }),
      };
    }
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: notStored(images, parsed.tagged),
      mend: 'See berth image ls, or fetch it: berth image pull NAME, berth image load oci:DIR[:TAG] NAME.',
    });
  }
  return named;
}

/** Has the store an image of that name, digest or id? */
export function isStored(roots: Roots, parsed: ImageReference, reference: string): boolean {
  return namedIn(readNames(roots), parsed) !== undefined || imageById(roots, reference) !== undefined;
}

function notStored(images: Record<string, NamedImage>, tagged: string): string {
  const other = Object.hasOwn(images, tagged) ? images[tagged] : undefined;
  return other === undefined
    ? 'it is not in the store'
    : `${tagged} is ${other.manifest_digest} in the store`;
}

/** The record of a reference among the names. A digest is that of the manifest, or of the index that it was chosen from. */
export function namedIn(
  { images, appc = {} }: Pick<NameIndex, 'images' | 'appc'>,
  parsed: ImageReference,
): NamedImage | undefined {
  if (Object.hasOwn(images, parsed.canonical)) return images[parsed.canonical];
  if (parsed.kind === 'appc') return newestMatch(images, appc, parsed);
  if (parsed.kind !== 'stored' || parsed.digest === undefined) return undefined;
  const { digest, name } = parsed;
  const same = ([key, image]: [string, NamedImage]) =>
    (image.manifest_digest === digest || image.index_digest === digest) &&
    (key.startsWith(`${name}@`) || (key.startsWith(`${name}:`) && !key.slice(name.length).includes('/')));
  return Object.entries(images).find(same)?.[1];
}

/** The ACI of that name that came last of those whose labels fit (discovery.md, "Validation"). One from a file has its path for a name: it is none. */
function newestMatch(
  images: Record<string, NamedImage>,
  appc: Record<string, AppcRecord>,
  { name, labels }: Extract<ImageReference, { kind: 'appc' }>,
): NamedImage | undefined {
  const fitting = appcNames({ images, appc }, { name, labels }).map((key) => images[key] as NamedImage);
  return fitting.sort((a, b) => (a.loaded_at < b.loaded_at ? 1 : -1))[0];
}

/** The names of ACIs that a reference fits. */
export function appcNames(
  { images, appc = {} }: Pick<NameIndex, 'images' | 'appc'>,
  { name, labels }: Pick<Extract<ImageReference, { kind: 'appc' }>, 'name' | 'labels'>,
): string[] {
  return Object.entries(images)
    .filter(([key, { manifest_digest }]) => {
      const record = Object.hasOwn(appc, manifest_digest) ? appc[manifest_digest] : undefined;
      return (
        key.startsWith('appc:') &&
        !key.startsWith('appc:/') &&
        record !== undefined &&
        fits(record, name, labels)
      );
    })
    .map(([key]) => key);
}

/** An index that one of the image's names was chosen from; one that is kept whole, if there is one. */
function wholeIndexOf({ images, indexes = {} }: NameIndex, manifest: Digest): Digest | undefined {
  const found = Object.entries(images).flatMap(([name, { manifest_digest, index_digest }]) =>
    manifest_digest === manifest && index_digest !== undefined && !isPlace(name) ? [index_digest] : [],
  );
  return found.find((digest) => indexes[digest] !== undefined) ?? found[0];
}

/** Is it called after where it lies? */
const isPlace = (name: string) => /^[a-z-]+:[./]/.test(name);

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
