import {
  constant,
  flag,
  integer,
  list,
  map,
  type Of,
  object,
  type Shape,
  ShapeError,
  text,
} from '../oci-spec/shape.js';
import { annotations, appShape, labels, portShape } from './image-manifest.js';
import { isolators } from './isolators.js';
import {
  absolutePath,
  acName,
  acVersion,
  identifier,
  imageId,
  processId,
  somePath,
  unique,
} from './names.js';

/** pods.md, "Pod Manifest Schema" (specification 0.8.11), with the conditions of its own code (schema/pod.go, schema/types/volume.go). */

const mode = text({ pattern: /^[0-7]{3,5}$/, expected: 'a mode in octal digits', most: 5 });

const eachVolume = object(
  { name: acName, kind: text() },
  { source: text(), readOnly: flag, recursive: flag, mode, uid: processId, gid: processId },
);

/** `host`: a folder of the host; `empty`: one of the pod's own, as long as the pod is there. */
export type PodVolume =
  | { kind: 'host'; name: string; source: string; readOnly: boolean; recursive: boolean }
  | { kind: 'empty'; name: string; readOnly: boolean; mode: number; uid: number; gid: number };

export const podVolume: Shape<PodVolume> = (value, at) => {
  const { name, kind, readOnly = false, source, recursive, ...empty } = eachVolume(value, at);
  if (kind === 'empty') {
    if (source !== undefined && source !== '')
      throw new ShapeError(`${at}.source`, 'absent: an empty volume has none');
    return {
      kind,
      name,
      readOnly,
      mode: Number.parseInt(empty.mode ?? '0755', 8) & 0o7777,
      uid: empty.uid ?? 0,
      gid: empty.gid ?? 0,
    };
  }
  if (kind !== 'host') throw new ShapeError(`${at}.kind`, 'host or empty');
  for (const member of ['mode', 'uid', 'gid'] as const)
    if (empty[member] !== undefined)
      throw new ShapeError(`${at}.${member}`, 'absent: a folder of the host has one already');
  return {
    kind,
    name,
    readOnly,
    source: absolutePath(source, `${at}.source`),
    // pods.md: "the executor SHOULD default to recursive".
    recursive: recursive ?? true,
  };
};

const mount = object({ volume: acName, path: somePath }, { appVolume: podVolume });

const runtimeApp = object(
  { name: acName, image: object({}, { id: imageId, name: identifier, labels }) },
  { app: appShape, readOnlyRootFS: flag, mounts: list(mount, 1000), annotations },
);

const exposedPort = object(
  { name: acName, hostPort: integer(1, 65_535) },
  {
    hostIP: text({ pattern: /^(?:\d{1,3}\.){3}\d{1,3}$/, expected: 'an IPv4 address' }),
    podPort: portShape,
  },
);

/** What one pod may have: each is a container. */
const mostApps = 64;

export const podManifestShape = object(
  {
    acKind: constant('PodManifest'),
    acVersion,
    apps: unique(list(runtimeApp, mostApps), ({ name }) => name),
  },
  {
    volumes: unique(list(podVolume, 1000), ({ name }) => name),
    isolators,
    annotations,
    ports: unique(list(exposedPort, 1000), ({ name }) => name),
    userAnnotations: map(text()),
    userLabels: map(text()),
  },
);

export type PodManifest = Of<typeof podManifestShape>;
export type PodApp = PodManifest['apps'][number];
export type PodPort = NonNullable<PodManifest['ports']>[number];
