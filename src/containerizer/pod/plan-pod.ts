import { randomUUID } from 'node:crypto';
import type { PodVolume } from '../../appc-spec/pod-manifest.js';
import type { Roots } from '../../state/roots.js';
import { type ContainerOptions, defaultOptions } from '../container/options.js';
import type { ProvideOptions } from '../image/provide.js';
import type { PortSpec } from '../network/port-spec.js';
import { type AppImage, appImage } from './app-image.js';
import { type AppMount, appMounts, checkSource } from './app-mounts.js';
import { type MetadataDocument, metadataDocuments } from './metadata-documents.js';
import { boundBy, type PodLimits, podLimits } from './pod-isolators.js';
import { podPorts } from './pod-ports.js';
import type { StatedPod } from './read-manifest.js';
import { invalidPod } from './trouble.js';

/** A pod with all that was left open filled in, and nothing of it made yet. */
export interface PodPlan {
  uuid: string;
  name: string;
  remove: boolean;
  reified: object;
  documents: MetadataDocument[];
  /** In the order in which they become volumes of the store. */
  emptyVolumes: (PodVolume & { kind: 'empty' })[];
  limits: PodLimits;
  ports: PortSpec[];
  hostname: string | undefined;
  network: string | undefined;
  apps: AppPlan[];
}

export interface AppPlan {
  name: string;
  image: AppImage;
  mounts: AppMount[];
  /** Without what only a running pod knows: peers, volumes of the store, where the metadata service is. */
  options: ContainerOptions;
}

export interface PodRequest extends ProvideOptions {
  /** What people are to call it; unset: the beginning of its uuid. */
  name?: string | undefined;
  hostname?: string | undefined;
  /** Unset: none, and `bridge` for a pod with ports. */
  network?: string | undefined;
  /** Nothing of it stays once it has ended. */
  remove: boolean;
  onWarning(text: string): void;
}

/** Finds the images, and out what each app is to have. Throws BerthError for what can be seen to be wrong without trying. */
export async function planPod(roots: Roots, pod: StatedPod, request: PodRequest): Promise<PodPlan> {
  const { manifest } = pod;
  const uuid = randomUUID();
  const name = request.name ?? uuid.slice(0, 8);
  const images: AppImage[] = [];
  for (const app of manifest.apps) images.push(await appImage(roots, app, request));
  const limits = podLimits(manifest.isolators ?? [], request.onWarning);
  const stated = new Map((manifest.volumes ?? []).map((volume) => [volume.name, volume]));
  const mounts = manifest.apps.map((app, i) => appMounts(app, at(images, i).app, stated));
  const volumes = [...new Set([...stated.values(), ...mounts.flat().map(({ volume }) => volume)])];
  for (const volume of volumes) checkSource(volume);
  const ports = podPorts(manifest, images);
  const reified = reify(pod, images, mounts);
  return {
    uuid,
    name,
    remove: request.remove,
    reified,
    documents: metadataDocuments(uuid, pod, reified, images),
    emptyVolumes: volumes.filter((volume) => volume.kind === 'empty'),
    limits,
    ports,
    hostname: request.hostname,
    network: request.network ?? (ports.length > 0 ? 'bridge' : undefined),
    apps: manifest.apps.map(({ name: appName, readOnlyRootFS = false }, i) => {
      const image = at(images, i);
      if (`${name}.${appName}`.length > longestName)
        throw invalidPod(
          `app ${appName}`,
          `with the name of its pod, ${name}, it has more than ${longestName} characters`,
          'Give the pod a shorter one: --name NAME.',
        );
      for (const text of image.warnings) request.onWarning(`app ${appName}: ${text}`);
      return {
        name: appName,
        image,
        mounts: at(mounts, i),
        options: {
          ...defaultOptions,
          ...boundBy(limits, image.app.isolators ?? []),
          name: `${name}.${appName}`,
          command: [],
          env: [`AC_APP_NAME=${appName}`],
          readOnly: readOnlyRootFS,
          remove: request.remove,
          pod: { uuid, name, app: appName, image_id: image.imageId },
        },
      };
    }),
  };
}

/** Of a container (names.ts). */
const longestName = 63;

function at<T>(items: readonly T[], i: number): T {
  const item = items[i];
  if (item === undefined) throw new RangeError('there is one for every app');
  return item;
}

/** pods.md: all mount points are satisfied by volumes, and every app says its image by its id. Members that berth does not know stay. */
function reify({ stated, manifest }: StatedPod, images: AppImage[], mounts: AppMount[][]): object {
  const apps = stated['apps'] as Record<string, unknown>[];
  const known = new Set((manifest.volumes ?? []).map(({ name }) => name));
  const added = new Map<string, object>();
  for (const { volume } of mounts.flat())
    if (volume.kind === 'empty' && !known.has(volume.name)) added.set(volume.name, emptyAsStated(volume));
  return {
    ...stated,
    apps: manifest.apps.map(({ image, mounts: own = [] }, i) => {
      const { imageId, manifest: itself, original } = at(images, i);
      const { app = statedApp(original) } = at(apps, i);
      const implied = at(mounts, i).slice(own.length);
      return {
        ...at(apps, i),
        image: { name: itself.name, labels: itself.labels ?? [], ...image, id: imageId },
        app,
        mounts: [
          ...((at(apps, i)['mounts'] as object[] | null) ?? []),
          ...implied.map((each) => each.stated),
        ],
      };
    }),
    volumes: [...((stated['volumes'] as object[] | null) ?? []), ...added.values()],
    isolators: stated['isolators'] ?? [],
    annotations: stated['annotations'] ?? [],
    ports: stated['ports'] ?? [],
  };
}

function statedApp(original: Buffer): unknown {
  return (JSON.parse(original.toString()) as { app?: unknown }).app;
}

function emptyAsStated({ name, mode, uid, gid, readOnly }: PodVolume & { kind: 'empty' }): object {
  return { name, kind: 'empty', mode: `0${mode.toString(8)}`, uid, gid, readOnly };
}
