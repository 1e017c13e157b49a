import type { Roots } from '../../state/roots.js';
import { appName } from '../appc/app-options.js';
import type { ProvideOptions } from '../image/provide.js';
import { appcImageOf } from './app-image.js';
import { type StatedPod, understood } from './read-manifest.js';

/** A member of a list of the manifest, as JSON. */
type Stated = { name: string } & Record<string, unknown>;

/** What a caller adds to a manifest, or puts in the place of what has that name there. */
export interface PodChange {
  volumes: Stated[];
  ports: Stated[];
}

/** A pod of one app for each image, called by the last part of its name. */
export async function podOfImages(
  roots: Roots,
  references: readonly string[],
  options: ProvideOptions,
): Promise<StatedPod> {
  const apps: Stated[] = [];
  for (const reference of references) {
    const { imageId, manifest } = await appcImageOf(roots, reference, options, `image ${reference}`);
    const { name, labels = [] } = manifest;
    const taken = new Set(apps.map((app) => app.name));
    apps.push({ name: freeName(appName(name), taken), image: { id: imageId, name, labels } });
  }
  return understood({ acKind: 'PodManifest', acVersion: '0.8.11', apps }, 'pod');
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(free)) return free;
  }
}

/** pods.md: a manifest may be a template; volumes and ports are then bound by who starts it. */
export function changedPod({ what, stated }: StatedPod, { volumes, ports }: PodChange): StatedPod {
  const laidOver = (member: 'volumes' | 'ports', over: Stated[]) => {
    const names = new Set(over.map(({ name }) => name));
    const own = (stated[member] ?? []) as Stated[];
    return [...own.filter(({ name }) => !names.has(name)), ...over];
  };
  const changed = {
    ...stated,
    volumes: laidOver('volumes', volumes),
    ports: laidOver('ports', ports),
  };
  return understood(changed, what);
}
