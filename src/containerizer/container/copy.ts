import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import {
  type CopyCounts,
  type CopyPlace,
  type CopyRequest,
  type CopyView,
  runCopy,
} from '../../native/index.js';
import { places, type Roots } from '../../state/roots.js';
import { whileReading } from '../image/idle-layers.js';
import { openAgain } from '../image/open-layer.js';
import { createVolume } from '../volume/store.js';
import { type Container, findContainer, readContainer } from './catalogue.js';
import { copyFailure } from './copy-failure.js';
import { type CopySide, copyPath } from './copy-paths.js';
import type { ContainerDocument } from './document.js';
import { isNeverStarted, lockStart, readRequest } from './kept-request.js';
import { markReached } from './reached.js';
import { settle } from './settle.js';

export interface CopyOptions {
  /** Owners, set-id bits and every attribute as they were. */
  archive: boolean;
  /** A link that is named as the source stands for what it leads to. */
  followLink: boolean;
  onProgress: (entries: number, bytes: number) => void;
}

/**
 * Copies between a container and the host, or a stream, as the container itself sees its files. One that runs need not hold still and need not be
 * able to run on (`berth pause`); one that does not cannot be started meanwhile.
 */
export async function copyFiles(
  roots: Roots,
  from: CopySide,
  to: CopySide,
  options: CopyOptions,
): Promise<CopyCounts> {
  const inside = [from, to].filter((side) => side.kind === 'container');
  const [side] = inside;
  if (side === undefined || inside.length === 2) {
    throw new BerthError('USAGE', {
      what: 'cp',
      why: side === undefined ? 'neither path is one of a container' : 'both paths are of containers',
      mend: side === undefined ? 'Write CONTAINER:PATH for one of them.' : 'Copy by way of the host.',
    });
  }
  return seen(roots, findContainer(roots, side.container), async (place, view) => {
    const source = pathOf(from);
    const target = pathOf(to);
    const request: CopyRequest = {
      from: placeOf(from, place),
      to: placeOf(to, place),
      path: source.path,
      as: source.name,
      folder: source.folder,
      toPath: target.path,
      toFolder: target.folder,
      follow: options.followLink,
      archive: options.archive,
      view,
    };
    const outcome = await runCopy(request, options.onProgress);
    if (outcome !== undefined && 'entries' in outcome) return outcome;
    throw copyFailure(outcome, { from, to, container: side.container });
  });
}

function pathOf(side: CopySide) {
  if (side.kind === 'stream') return { path: '/', name: '.', folder: true };
  return copyPath(side.path, side.kind === 'container' ? '/' : process.cwd());
}

function placeOf(side: CopySide, container: CopyPlace): CopyPlace {
  return side.kind === 'container' ? container : side.kind;
}

/** What the copy is to see of the container, which stays as it is until `work` is done. */
async function seen<T>(
  roots: Roots,
  container: Container,
  work: (place: CopyPlace, view: CopyView) => Promise<T>,
): Promise<T> {
  const { document, process: supervised } = container;
  if (container.state === 'running' && supervised !== undefined) {
    markReached(roots, document);
    return work('running', { pid: supervised.task.pid, started: supervised.task.start_time });
  }
  const lock = lockStart(roots, document.id, document.name);
  try {
    const now = readContainer(roots, document.id);
    const settled = now === undefined ? undefined : settle(roots, now);
    const kept = readRequest(roots, document.id);
    if (settled === undefined || kept === undefined) throw notThere(document.name);
    const waits = isNeverStarted(roots, document.id);
    if (settled.state === 'running' || (settled.state === 'created' && !waits)) {
      throw new BerthError('CONTAINER_STATE', {
        what: `container ${document.name}`,
        why: 'it is being started',
        mend: 'Try again in a moment.',
      });
    }
    provideStored(roots, document);
    return await whileReading(roots, () => {
      openAgain(roots, kept.image.layers);
      return work('stopped', {
        root: roots.root,
        container: path.relative(roots.root, places.container(roots, document.id)),
        layers: kept.image.layers.map((layer) => path.relative(roots.root, layer)),
        ...(kept.image.tree === undefined ? {} : { tree: kept.image.tree }),
        readonly: kept.options.readOnly,
        // One below another comes after it.
        volumes: [...document.volumes]
          .sort((a, b) => a.target.length - b.target.length)
          .map(({ source, target, readonly, recursive = false }) => ({
            source,
            target,
            readonly,
            recursive,
          })),
      });
    });
  } finally {
    lock?.release();
  }
}

/** Volumes of the store are made when they are first asked for. */
function provideStored(roots: Roots, { id, volumes }: ContainerDocument): void {
  for (const { name } of volumes)
    if (name) createVolume(roots, name, { anonymous: name.startsWith(`${id}-`) });
}

function notThere(name: string): BerthError {
  return new BerthError('CONTAINER_STATE', {
    what: `container ${name}`,
    why: 'it has ended, and nothing was kept of it',
  });
}
