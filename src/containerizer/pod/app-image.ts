import path from 'node:path';
import type { AppcApp, AppcImageManifest } from '../../appc-spec/image-manifest.js';
import type { PodApp } from '../../appc-spec/pod-manifest.js';
import { hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { configOf } from '../appc/app-config.js';
import { storedAci } from '../appc/resolve-aci.js';
import { appcRecordOf } from '../appc/trust.js';
import type { LaunchImage } from '../container/launch.js';
import { namesOf } from '../image/by-id.js';
import { readDocument } from '../image/documents.js';
import { blobName } from '../image/layout-files.js';
import { type ProvideOptions, provideImage } from '../image/provide.js';
import { parseReference } from '../image/reference.js';
import { storePaths } from '../image/store.js';
import { isStored } from '../image/stored-image.js';
import { invalidPod } from './trouble.js';

/** The image of one app of a pod. */
export interface AppImage {
  imageId: string;
  /** With the app that the pod states instead of the image's. */
  image: LaunchImage;
  app: AppcApp;
  manifest: AppcImageManifest;
  /** The image's manifest as it came, byte for byte. */
  original: Buffer;
  warnings: string[];
}

/** Finds the image that an app of a pod names, or fetches it. */
export async function appImage(
  roots: Roots,
  { name, image: wanted, app: instead }: PodApp,
  options: ProvideOptions,
): Promise<AppImage> {
  const what = `app ${name}`;
  const found = await appcImageOf(roots, referenceOf(roots, wanted, what), options, what);
  const { imageId, manifest } = found;
  if (wanted.id !== undefined && wanted.id !== imageId)
    throw invalidPod(what, `its image is to be ${wanted.id} and is ${imageId}`);
  const app = instead ?? manifest.app;
  if (app === undefined)
    throw invalidPod(
      what,
      'neither the pod nor its image says what to run',
      'Give it an app in the manifest.',
    );
  const whole = { ...manifest, app };
  const { image } = found;
  return {
    ...found,
    app,
    image: {
      ...image,
      config: { ...image.config, ...configOf(whole) },
      appc: { imageId, manifest: whole },
    },
  };
}

/** An image of the store or of a file, which must be an App Container Image. */
export async function appcImageOf(
  roots: Roots,
  reference: string,
  options: ProvideOptions,
  what: string,
): Promise<Omit<AppImage, 'app'>> {
  const other = () =>
    invalidPod(
      what,
      `image ${reference} is no App Container Image`,
      'Pods are made of those: FILE.aci or appc:NAME[:VERSION]. berth run takes OCI images.',
    );
  const parsed = parseReference(reference);
  // What registries, layouts and folders have is none: nothing is fetched to find that out.
  const mayBe = ['aci', 'appc'].includes(parsed.kind) || isStored(roots, parsed, reference);
  if (!mayBe) throw other();
  const image = await provideImage(roots, reference, options);
  const { appc, manifestDigest, warnings } = image;
  const record = appcRecordOf(roots, manifestDigest);
  if (appc === undefined || record === undefined) throw other();
  const original = readDocument(path.join(storePaths(roots).base, blobName(record.manifest)), what);
  if (original === undefined) throw invalidPod(what, `the manifest of image ${reference} is gone`);
  return { imageId: appc.imageId, image, manifest: appc.manifest, original, warnings };
}

/** One that the store has, by what it says of itself; else by its name, wherever that leads. */
function referenceOf(roots: Roots, { id, name, labels = [] }: PodApp['image'], what: string): string {
  if (id === undefined && name === undefined)
    throw invalidPod(what, 'its image has neither an id nor a name');
  const stored = storedAci(roots, {
    labels,
    ...(id === undefined ? {} : { imageID: id }),
    ...(name === undefined ? {} : { imageName: name }),
  });
  if (stored !== undefined) return namesOf(roots, stored.manifestDigest)[0] ?? hexOf(stored.manifestDigest);
  if (name === undefined)
    throw invalidPod(what, `the store has no image ${id}`, 'Load it first: berth image load FILE.aci.');
  const version = labels.find((label) => label.name === 'version')?.value;
  const others = labels.filter((label) => label.name !== 'version');
  return [
    `appc:${name}${version === undefined ? '' : `:${version}`}`,
    ...others.map((label) => `${label.name}=${label.value}`),
  ].join(',');
}
