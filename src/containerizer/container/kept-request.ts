import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError } from '../../native/index.js';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { mountedAmong } from '../image/open-layer.js';
import type { LaunchImage, LaunchRequest } from './launch.js';
import { type ContainerOptions, defaultOptions } from './options.js';

/** `request.json` in the durable folder: what a container was asked to be, so that it can be started again. Layers are relative to the root. */
export interface KeptRequest {
  format: 1;
  image: LaunchImage;
  options: ContainerOptions;
}

const requestFile = (roots: Roots, id: string) => path.join(places.container(roots, id), 'request.json');
const neverStartedMark = (roots: Roots, id: string) =>
  path.join(places.container(roots, id), 'never-started');

/** Written before the container's own document, whose way to the disk takes this along. */
export function keepRequest(roots: Roots, id: string, request: LaunchRequest): void {
  const kept = JSON.stringify(keptOf(roots, request));
  writeFileSync(requestFile(roots, id), kept, { mode: 0o600, flag: 'wx' });
}

export function keptOf(roots: Roots, { image, options }: LaunchRequest): KeptRequest {
  const layers = image.layers.map((layer) => path.relative(roots.root, layer));
  // What is mounted is found anew at each start; what an App Container Image asks for is in the options by now, and is asked for once.
  const { mounted: _mounted, appc: _appc, ...rest } = image;
  return { format: 1, image: { ...rest, layers }, options };
}

/** What to launch for a container that there is. Undefined: nothing was kept of it. */
export function readRequest(
  roots: Roots,
  id: string,
): { image: LaunchImage; options: ContainerOptions } | undefined {
  const kept = readDocument<KeptRequest>(requestFile(roots, id), 1);
  if (kept === undefined) return undefined;
  const layers = kept.image.layers.map((layer) => path.join(roots.root, layer));
  // As they are now: they may have been unpacked again since.
  const mounted = mountedAmong(roots, layers);
  // The file that says the id was claimed when the container was made.
  const { idFile: _, ...options } = kept.options;
  // An older berth knew fewer of them.
  return { image: { ...kept.image, layers, mounted }, options: { ...defaultOptions, ...options } };
}

/** Changes what it is to be from its next start on. One of which nothing was kept stays as it is. */
export function changeRequest(
  roots: Roots,
  id: string,
  change: (options: ContainerOptions) => {
    [Member in keyof ContainerOptions]: ContainerOptions[Member] | undefined;
  },
): void {
  const kept = readDocument<KeptRequest>(requestFile(roots, id), 1);
  if (kept === undefined) return;
  writeWhole(
    requestFile(roots, id),
    JSON.stringify({ ...kept, options: change({ ...defaultOptions, ...kept.options }) }),
  );
}

export function isNeverStarted(roots: Roots, id: string): boolean {
  return existsSync(neverStartedMark(roots, id));
}

export function markNeverStarted(roots: Roots, id: string, never: boolean): void {
  const mark = neverStartedMark(roots, id);
  if (never) writeFileSync(mark, '', { mode: 0o600 });
  else rmSync(mark, { force: true });
}

/** Keeps others from starting or removing the container. Undefined: it has no durable folder, and can be started by nobody. */
export function lockStart(roots: Roots, id: string, name: string): FileLock | undefined {
  let lock: FileLock | undefined;
  try {
    lock = FileLock.attempt(path.join(places.container(roots, id), 'start.lock'));
  } catch (error) {
    if (isNativeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (lock !== undefined) return lock;
  throw new BerthError('CONTAINER_STATE', {
    what: `container ${name}`,
    why: 'it is being started or removed',
    mend: 'Try again in a moment.',
  });
}
