import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native, type PackedMember } from '../../native/index.js';
import { makeOutputFile, makeOutputFolder } from '../../state/output-file.js';
import type { Roots } from '../../state/roots.js';
import { verifyKept } from './blobs.js';
import { namesOf } from './by-id.js';
import { keptIndex } from './kept-index.js';
import type { ResolvedImage } from './oci-layout.js';
import { resolveManifest } from './oci-layout.js';
import { packedTree } from './plain-tree.js';
import { parseReference } from './reference.js';
import { storeFiles } from './resolve.js';
import { requireRoot } from './root-only.js';
import { ociMembers, savedMembers } from './save-members.js';
import { Session } from './store.js';
import { lookUp } from './stored-image.js';
import { unpackFailure } from './unpack-failure.js';
import type { WholeIndex } from './whole-index.js';

export const saveFormats = ['docker-archive', 'oci-archive', 'oci-dir', 'aci'] as const;
export type SaveFormat = (typeof saveFormats)[number];

/** An image to save, and the names that it was asked for by. */
export interface SavedImage {
  image: ResolvedImage;
  names: string[];
  /** The index that it is from, to be written in its place. */
  whole?: WholeIndex | undefined;
}

/**
 * Writes images of the store to a file or an open descriptor, or as a layout in a new folder. The same images always give the same bytes.
 * A file or folder appears when it is complete.
 */
export async function saveImages(
  roots: Roots,
  references: readonly string[],
  format: SaveFormat,
  output: string | number,
  { allPlatforms = false }: { allPlatforms?: boolean } = {},
): Promise<void> {
  const what = `image save ${references.join(' ')}`;
  requireRoot(what);
  if (allPlatforms && !format.startsWith('oci-')) {
    throw new BerthError('USAGE', {
      what,
      why: `${format} holds an image for one platform`,
      mend: 'Use --format oci-archive or oci-dir, or leave out --all-platforms.',
    });
  }
  if (format === 'oci-dir' && (typeof output === 'number' || existsSync(output))) {
    throw new BerthError('USAGE', {
      what,
      why: typeof output === 'number' ? 'a layout is a folder' : `${output} exists already`,
      mend: 'Name a new folder: berth image save --format oci-dir -o DIR IMAGE.',
    });
  }
  if (typeof output === 'string' && !existsSync(path.dirname(path.resolve(output)))) {
    throw new BerthError('USAGE', { what, why: `there is no folder for ${output}` });
  }
  if (format === 'aci') return (await import('../appc/save-aci.js')).saveAci(roots, references, output);
  // Nobody removes anything meanwhile.
  const session = await Session.open(roots);
  try {
    const found = [];
    for (const reference of references) found.push(await find(roots, session, reference, allPlatforms));
    const images = group(found);
    // What is written has the names of its digests: it must not be the first that finds out that it is not that.
    for (const { image, whole } of images) await verifyBlobs(roots, session, image, whole, what);
    const members =
      format === 'docker-archive' ? await savedMembers(images, session, what) : ociMembers(images);
    if (typeof output === 'number') await native().packFiles({ members, output });
    else if (format === 'oci-dir') await writeFolder(members, path.resolve(output));
    else await makeOutputFile(path.resolve(output), (fd) => native().packFiles({ members, output: fd }));
  } catch (error) {
    throw saveFailure(unpackFailure(error, what), output);
  } finally {
    await session.close();
  }
}

/** It is written to another place than the store. */
function saveFailure(failure: BerthError, output: string | number): BerthError {
  if (failure.code !== 'NO_SPACE') return failure;
  const { what, why, cause } = failure;
  const place = typeof output === 'number' ? 'where standard output goes' : `where ${output} is to be`;
  return new BerthError('NO_SPACE', {
    what,
    why,
    mend: `Free space ${place}. Nothing of it was kept.`,
    cause,
  });
}

async function verifyBlobs(
  roots: Roots,
  session: Session,
  image: ResolvedImage,
  whole: WholeIndex | undefined,
  what: string,
): Promise<void> {
  const blobs = new Map(whole?.blobs ?? []);
  for (const { digest, size } of image.layers) blobs.set(digest, size);
  blobs.delete(image.manifest.config.digest);
  for (const [digest, size] of blobs) {
    const blob = { file: image.blobPath(digest), digest, size };
    await verifyKept(roots, session, blob, `${what}, ${digest.slice(0, 19)}`);
  }
}

async function find(
  roots: Roots,
  session: Session,
  reference: string,
  allPlatforms: boolean,
): Promise<SavedImage> {
  const what = `image ${reference}`;
  const parsed = parseReference(reference);
  if (parsed.kind === 'tree') return { image: await packedTree(parsed.directory, session, what), names: [] };
  const named = lookUp(roots, parsed, reference);
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store, or has changed since it was loaded',
      mend: `Load it first: berth image load ${reference}.`,
    });
  }
  const digest = named.manifest_digest;
  const image = resolveManifest(storeFiles(roots), { digest }, what, true);
  const asked =
    parsed.kind === 'stored' &&
    parsed.digest === undefined &&
    namesOf(roots, digest).includes(parsed.canonical);
  const whole = allPlatforms ? await keptIndex(roots, named, what) : undefined;
  return { image, names: asked ? [parsed.canonical] : [], whole };
}

/** Each image once, with all the names that it was asked for by. */
function group(images: SavedImage[]): SavedImage[] {
  const found = new Map<string, SavedImage>();
  for (const { image, names, whole } of images) {
    const key = whole?.indexDigest ?? image.manifestDigest;
    const before = found.get(key);
    found.set(key, { image, names: [...new Set([...(before?.names ?? []), ...names])], whole });
  }
  return [...found.values()];
}

function writeFolder(members: PackedMember[], folder: string): Promise<void> {
  return makeOutputFolder(folder, async (making) => {
    mkdirSync(making, { mode: 0o755 });
    for (const member of members) {
      const file = path.join(making, member.name);
      mkdirSync(path.dirname(file), { recursive: true });
      if ('content' in member) writeFileSync(file, member.content);
      else await copyFile(member.path, file);
    }
  });
}
