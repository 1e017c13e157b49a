import type { ImageConfig } from '../../oci-spec/image.js';
import { megabytes } from '../image-progress.js';

/** What `image ls` tells of an image. */
interface ImageTold {
  name: string;
  digest: string;
  config_digest: string;
  created: string | null;
  size: number;
}

/** With the names that `docker images` has for it. */
export function dockerImageRow(told: ImageTold, trunc: boolean) {
  const { name, digest, config_digest: id, created, size } = told;
  const [repository, tag] = nameAndTag(name);
  return {
    ...told,
    ID: trunc ? id.slice(7, 19) : id,
    Repository: repository,
    Tag: tag,
    Digest: digest,
    CreatedAt: created ?? '',
    Size: megabytes(size),
  };
}

/** The same for `docker inspect`. */
export function dockerImage(
  told: ImageTold & { names: string[]; os: string; architecture: string; config: ImageConfig },
) {
  const { names, digest, config_digest: id, created, size, os, architecture, config } = told;
  const repositories = new Set(names.map((name) => nameAndTag(name)[0]));
  return {
    ...told,
    Id: id,
    RepoTags: names,
    RepoDigests: [...repositories].map((name) => `${name}@${digest}`),
    Created: created ?? '',
    Size: size,
    Os: os,
    Architecture: architecture,
    Author: config.author ?? '',
    Config: {
      Env: [],
      Cmd: null,
      Entrypoint: null,
      User: '',
      WorkingDir: '',
      Labels: {},
      ExposedPorts: {},
      Volumes: {},
      ...config.config,
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
  };
}

function nameAndTag(name: string): [string, string] {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? [name.slice(0, colon), name.slice(colon + 1)] : [name, '<none>'];
}

export function dockerVolume<
  Told extends { name: string; mountpoint: string; created_at: string; labels: object },
>(told: Told) {
  const { name, mountpoint, created_at: created, labels } = told;
  return {
    ...told,
    Name: name,
    Driver: 'local',
    Scope: 'local',
    Mountpoint: mountpoint,
    CreatedAt: created,
    Labels: labels,
  };
}

export function dockerNetwork<
  Told extends {
    name: string;
    subnet: string;
    subnet6: string | null;
    internal: boolean;
    labels: object;
    created_at: string;
  },
>(told: Told) {
  const { name, subnet, subnet6, internal, labels, created_at: created } = told;
  const gateways = 'gateway' in told ? [told.gateway, 'gateway6' in told ? told.gateway6 : null] : [];
  return {
    ...told,
    Name: name,
    ID: name,
    Id: name,
    Driver: 'bridge',
    Scope: 'local',
    Internal: internal,
    Labels: labels,
    EnableIPv6: subnet6 !== null,
    Created: created,
    CreatedAt: created,
    Containers: membersOf(told),
    IPAM: {
      Driver: 'default',
      Config: [subnet, subnet6].flatMap((each, i) =>
        each === null ? [] : [{ Subnet: each, Gateway: gateways[i] ?? '' }],
      ),
    },
  };
}

/** By id, where they are told one by one. */
function membersOf(told: object) {
  if (!('containers' in told) || !Array.isArray(told.containers)) return {};
  const members: { id: string; name: string; ipv4: string; ipv6: string; mac: string }[] = told.containers;
  return Object.fromEntries(
    members.map(({ id, name, ipv4, ipv6, mac }) => [
      id,
      { Name: name, IPv4Address: ipv4, IPv6Address: ipv6 ?? '', MacAddress: mac },
    ]),
  );
}
