import { type AppcImageManifest, labelOf } from '../../appc-spec/image-manifest.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import { hostPlatform, type PlatformLike } from '../image/platform.js';

// What the specification and Go call the same machine (schema/types/labels.go, "ToAppcOSArch").
const machines: Record<string, Omit<PlatformLike, 'os'>> = {
  i386: { architecture: '386' },
  x86_64: { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  aarch64_be: { architecture: 'arm64be' },
  armv6l: { architecture: 'arm', variant: 'v6' },
  armv7l: { architecture: 'arm', variant: 'v7' },
  armv7b: { architecture: 'armbe', variant: 'v7' },
};

/** Where an ACI runs; what it does not say, it does not depend on. */
export function platformOf(manifest: AppcImageManifest): PlatformLike {
  const host = hostPlatform();
  const arch = labelOf(manifest, 'arch');
  const os = labelOf(manifest, 'os') ?? host.os;
  if (arch === undefined) return { ...host, os };
  return { os, ...((Object.hasOwn(machines, arch) ? machines[arch] : undefined) ?? { architecture: arch }) };
}

/** What an OCI configuration can say of an app. The rest (isolators, handlers, mount points) stays in the ACI's own manifest. */
export function configOf(manifest: AppcImageManifest): Omit<ImageConfig, 'rootfs'> {
  const { app, annotations = [], labels = [] } = manifest;
  const annotation = (wanted: string) => annotations.find(({ name }) => name === wanted)?.value;
  const created = annotation('created');
  const author = annotation('authors');
  const pairs = (of: { name: string; value: string }[]) =>
    Object.fromEntries(of.map(({ name, value }) => [name, value]));
  return {
    ...platformOf(manifest),
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    config: {
      Labels: { ...pairs(annotations), ...pairs(labels) },
      ...(app === undefined ? {} : appConfig(app)),
    },
  };
}

function appConfig(app: NonNullable<AppcImageManifest['app']>): NonNullable<ImageConfig['config']> {
  const ports = (app.ports ?? []).flatMap(({ port, count = 1, protocol }) =>
    Array.from({ length: Math.min(count, mostPorts) }, (_, i) => `${port + i}/${protocol}`),
  );
  return {
    // A command of the caller's replaces it, as it does for every image.
    Cmd: app.exec ?? [],
    User: `${app.user}:${app.group}`,
    Env: (app.environment ?? []).map(({ name, value }) => `${name}=${value}`),
    ...(app.workingDirectory ? { WorkingDir: app.workingDirectory } : {}),
    ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
  };
}

/** Of one range, that are told of as exposed. */
const mostPorts = 1000;
