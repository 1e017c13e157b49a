import { statSync } from 'node:fs';
import path from 'node:path';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import { readDocument } from './documents.js';
import type { ImageReference } from './reference.js';

/**
 * Stands for what an image is taken from: while it is the same, so is the image. Of a layout the digest of its index.json, which fixes
 * all the rest; of an archive its identity as a file, since reading it costs as much as loading it. Undefined when it is not there.
 */
export function sourceStamp(
  source: Exclude<ImageReference, { kind: 'stored' | 'appc' }>,
  what: string,
): Digest | undefined {
  if (source.kind === 'layout') {
    const index = readDocument(path.join(source.directory, 'index.json'), what);
    return index && digestOf(index);
  }
  // A tree says nothing of whether something in it has changed.
  if (source.kind === 'tree') return undefined;
  const status = statSync(source.file, { bigint: true, throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return digestOf([dev, ino, size, mtimeNs, ctimeNs].join(' '));
}
