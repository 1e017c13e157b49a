import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { changeConfig } from '../image/config-change.js';
import { storeName } from '../image/load.js';
import { type MadeLayer, makeImage } from '../image/make-image.js';
import { resolveManifest } from '../image/oci-layout.js';
import type { OnProgress } from '../image/progress.js';
import { parseReference } from '../image/reference.js';
import { storeFiles } from '../image/resolve.js';
import { storeImages } from '../image/store-images.js';
import type { Container } from './catalogue.js';
import { readContainer } from './catalogue.js';
import { socketWarning } from './export.js';
import { pauseContainer, unpauseContainer } from './pause.js';
import { rootLayers } from './root-layers.js';
import { treeFailure } from './tree-failure.js';

export interface CommitOptions {
  /** `NAME[:TAG]` of the new image. */
  name: string;
  /** Instructions as in a Dockerfile (image/config-change.ts). */
  changes: string[];
  author: string | undefined;
  message: string | undefined;
  /** Hold the container's processes while its files are read. */
  pause: boolean;
  compression: MadeLayer['compression'];
  onProgress: OnProgress;
}

export interface CommittedImage {
  name: string;
  manifestDigest: Digest;
  warnings: string[];
}

/**
 * Makes an image of what a container has become: its image's layers, and what it has changed as one more. The configuration is the
 * image's own with the changes asked for; what the container was started with is none of it.
 */
export async function commitContainer(
  roots: Roots,
  container: Container,
  options: CommitOptions,
): Promise<CommittedImage> {
  const { document } = container;
  const what = `container ${document.name}`;
  const name = storeName(options.name);
  const tree = parseReference(document.image).kind === 'tree';
  const digest = document.manifest_digest as Digest;
  // A folder is no image: what both show together is then the one layer of the new one.
  const base = tree ? undefined : resolveManifest(storeFiles(roots), { digest }, what);
  const settings = changeConfig(base?.config.config ?? {}, options.changes);
  const created = new Date().toISOString();
  const step = {
    created,
    created_by: document.command.join(' '),
    ...(options.author === undefined ? {} : { author: options.author }),
    ...(options.message === undefined ? {} : { comment: options.message }),
  };
  const config = {
    created,
    ...(options.author === undefined ? {} : { author: options.author }),
    config: settings,
    history: [...(base === undefined ? [] : wholeHistory(base.config)), step],
  };
  let warnings: string[] = [];
  const stored = await storeImages(
    roots,
    what,
    async (session) => {
      const making = { file: path.join(session.directory, 'layer'), compression: options.compression };
      const empty = path.join(session.directory, 'empty');
      mkdirSync(empty);
      const made = await whilePaused(roots, container, options.pause, () =>
        packLayer(roots, container, making, empty, tree),
      );
      warnings = made.warnings;
      return [{ image: makeImage(made.layer, config, base, what), names: [name], what }];
    },
    options.onProgress,
    { durable: true },
  );
  const manifestDigest = stored[0]?.manifestDigest as Digest;
  tellContainer(roots, document, 'commit', { name, digest: manifestDigest });
  return { name, manifestDigest, warnings };
}

async function packLayer(
  roots: Roots,
  container: Container,
  making: Pick<MadeLayer, 'file' | 'compression'>,
  empty: string,
  whole: boolean,
): Promise<{ layer: MadeLayer; warnings: string[] }> {
  const { own, image, hidden, depth } = rootLayers(roots, container);
  try {
    const packed = await native().packTree({
      // One that never ran has changed nothing.
      upper: whole ? [own ?? empty, ...image] : [own ?? empty],
      below: whole ? [] : image,
      hidden,
      depth,
      layer: true,
      output: making.file,
      compression: making.compression,
    });
    const { digest, size, diffId, socketsSkipped } = packed;
    return { layer: { ...making, digest, size, diffId }, warnings: socketWarning(socketsSkipped) };
  } catch (error) {
    throw treeFailure(error, `container ${container.document.name}`);
  }
}

async function whilePaused<T>(
  roots: Roots,
  container: Container,
  pause: boolean,
  act: () => Promise<T>,
): Promise<T> {
  if (!pause || container.state !== 'running' || container.paused) return act();
  await pauseContainer(roots, container);
  try {
    return await act();
  } finally {
    const now = readContainer(roots, container.document.id);
    if (now?.paused === true) unpauseContainer(roots, now);
  }
}

/** One entry at least for each layer, as tools that read histories expect. */
function wholeHistory({ history = [], rootfs }: ImageConfig): NonNullable<ImageConfig['history']> {
  const told = history.filter((step) => step.empty_layer !== true).length;
  return [...Array.from({ length: Math.max(0, rootfs.diff_ids.length - told) }, () => ({})), ...history];
}
