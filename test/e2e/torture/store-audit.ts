import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { closeOpened } from '../../../src/containerizer/image/idle-layers.js';
import { readNames } from '../../../src/containerizer/image/names.js';
import { openLayer } from '../../../src/containerizer/image/open-layer.js';
import { partsOf } from '../../../src/containerizer/image/parts.js';
import { storePaths } from '../../../src/containerizer/image/store.js';
import { readLayer } from '../../../src/containerizer/image/stored-layer.js';
import type { Digest } from '../../../src/oci-spec/digest.js';
import type { Roots } from '../../../src/state/roots.js';
import { treeOf } from '../../image/tree.js';

/** What a layer must look like, by its chain id: as it was the first time, when nobody was in the way. */
export type KnownTrees = Map<string, string[]>;

interface LayerRecord {
  chain_id: Digest;
}

/** What is wrong with a store that nobody is at, whoever was killed before: one line for each. */
export function faultsOf(roots: Roots, known: KnownTrees): string[] {
  const paths = storePaths(roots);
  const names = readNames(roots);
  const faults: string[] = [];
  for (const [name, { manifest_digest }] of Object.entries(names.images))
    if (!names.manifests.includes(manifest_digest)) faults.push(`${name}: its manifest is not on the list`);
  for (const digest of names.manifests) {
    const parts = partsOf(roots, digest, names);
    if (parts.length === 0) faults.push(`${digest}: its documents are gone`);
    // Layers may have gone first on a full disk, and are made again of blobs.
    for (const part of parts)
      if (path.dirname(part) === paths.blobs && !existsSync(part)) faults.push(`${digest}: lacks ${part}`);
  }
  for (const name of readdirSync(paths.blobs)) {
    // What was cut off while it was written is gone after a collection.
    if (name.endsWith('.tmp')) continue;
    const found = createHash('sha256')
      .update(readFileSync(path.join(paths.blobs, name)))
      .digest('hex');
    if (found !== name) faults.push(`blob ${name} has the digest ${found}`);
  }
  for (const id of readdirSync(paths.layers)) {
    const { chain_id } = JSON.parse(
      readFileSync(path.join(paths.layers, id, 'layer.json'), 'utf8'),
    ) as LayerRecord;
    if (readLayer(roots, chain_id) === undefined) faults.push(`layer ${id} is not believed`);
    else if (openLayer(roots, chain_id) === undefined) faults.push(`layer ${id} cannot be opened`);
    const tree = treeOf(path.join(paths.layers, id, 'fs'));
    const first = known.get(chain_id);
    if (first === undefined) known.set(chain_id, tree);
    else if (first.join('\n') !== tree.join('\n')) faults.push(`layer ${id} is not what it was`);
  }
  closeOpened(roots);
  return faults;
}

/** After a collection: what is there and no image needs. */
export function orphansOf(roots: Roots): string[] {
  const { base, blobs, layers, downloads, sessions, locks, trash, ...paths } = storePaths(roots);
  const { index, settings, signatures, storeLock, indexLock, readersLock } = paths;
  const names = readNames(roots);
  const needed = new Set(names.manifests.flatMap((digest) => partsOf(roots, digest, names)));
  const below = (folder: string) => readdirSync(folder).map((name) => path.join(folder, name));
  const usual = new Set([
    ...[index, settings, path.join(base, 'uses.json')],
    ...[path.dirname(blobs), layers, downloads, signatures, sessions, locks],
    ...[storeLock, indexLock, readersLock],
  ]);
  return [
    ...[blobs, layers].flatMap(below).filter((each) => !needed.has(each)),
    ...[downloads, sessions].flatMap(below),
    ...[base, locks].flatMap(below).filter((each) => !usual.has(each)),
    ...below(trash).filter((each) => path.basename(each).startsWith('image-')),
    // No container runs.
    ...mountsBelow(roots.root),
  ];
}

/** proc_pid_mountinfo(5); the names below a root have no spaces. */
function mountsBelow(root: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((each) => each.startsWith(`${root}/`));
}
