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
import { isolators } from './isolators.js';
import {
  absolutePath,
  acName,
  acVersion,
  identifier,
  imageId,
  processId,
  refined,
  somePath,
  unique,
} from './names.js';

/** aci.md, "Image Manifest Schema" (specification 0.8.11). */

const nameAndValue = object({ name: identifier, value: text() }, {});

/** The combinations of `os` and `arch` that the specification's code lists (schema/types/labels.go). */
const machines: Record<string, readonly string[]> = {
  linux: [
    'amd64',
    'i386',
    'aarch64',
    'aarch64_be',
    'armv6l',
    'armv7l',
    'armv7b',
    'ppc64',
    'ppc64le',
    's390x',
  ],
  freebsd: ['amd64', 'i386', 'arm'],
  darwin: ['x86_64', 'i386'],
};

export const labels: Shape<{ name: string; value: string }[]> = (value, at) => {
  const found = unique(list(nameAndValue, 1000), ({ name }) => name)(value, at);
  const of = (wanted: string) => found.find(({ name }) => name === wanted)?.value;
  if (of('name') !== undefined) throw new ShapeError(at, 'without a label called "name"');
  const os = of('os');
  const arch = of('arch');
  if (os === undefined) return found;
  const known = Object.hasOwn(machines, os) ? machines[os] : undefined;
  if (known === undefined || (arch !== undefined && !known.includes(arch)))
    throw new ShapeError(at, 'for a known system (os) and machine (arch)');
  return found;
};

export const annotations = refined(
  unique(list(nameAndValue, 1000), ({ name }) => name),
  (all) =>
    all.every(({ name, value }) => {
      if (name === 'created') return !Number.isNaN(Date.parse(value)) && /T/i.test(value);
      return name === 'homepage' || name === 'documentation' ? /^https?:\/\//.test(value) : true;
    }),
  'annotations with an RFC 3339 date for created, and web addresses for homepage and documentation',
);

const exec = list(text(), 10_000);

const environment = unique(
  list(
    object(
      {
        name: text({ pattern: /^[A-Za-z_][A-Za-z_0-9.-]*$/, expected: 'the name of a variable' }),
        value: text(),
      },
      {},
    ),
  ),
  ({ name }) => name,
);

const handler = object(
  { name: text({ pattern: /^(?:pre-start|post-stop)$/, expected: 'pre-start or post-stop' }), exec },
  {},
);

export const portShape = refined(
  object(
    { name: acName, protocol: text(), port: integer(1, 65_535) },
    { count: integer(1, 65_535), socketActivated: flag },
  ),
  ({ port: first, count = 1 }) => first + count - 1 <= 65_535,
  'a range of ports up to 65535',
);

/** A colon would part a user from a group; nobody's name has one (passwd(5)). */
const account = text({ pattern: /^[^:\n]+$/, expected: 'a user or group, an id, or a path', most: 127 });

/** `workingDirectory` is absolute, a mount point's path from the root either way. */
export const appShape = object(
  { user: account, group: account },
  {
    exec,
    supplementaryGIDs: list(processId, 64),
    eventHandlers: unique(list(handler, 2), ({ name }) => name),
    workingDirectory: text({ pattern: /^(?:\/|$)/, expected: 'an absolute path', most: 4096 }),
    environment,
    isolators,
    mountPoints: unique(
      list(object({ name: acName, path: somePath }, { readOnly: flag }), 1000),
      ({ name }) => name,
    ),
    ports: unique(list(portShape, 1000), ({ name }) => name),
    userAnnotations: map(text()),
    userLabels: map(text()),
  },
);

const dependency = object({ imageName: identifier }, { imageID: imageId, labels, size: integer() });

export const imageManifestShape = object(
  { acKind: constant('ImageManifest'), acVersion, name: identifier },
  {
    labels,
    app: appShape,
    dependencies: list(dependency, 500),
    pathWhitelist: list(absolutePath, 1_000_000),
    annotations,
  },
);

export type AppcApp = Of<typeof appShape>;
export type AppcImageManifest = Of<typeof imageManifestShape>;
export type AppcDependency = Of<typeof dependency>;
export type AppcLabel = Of<typeof labels>[number];

export function labelOf(manifest: Pick<AppcImageManifest, 'labels'>, wanted: string): string | undefined {
  return manifest.labels?.find(({ name }) => name === wanted)?.value;
}
