import type { ImageConfig } from '../../../oci-spec/image.js';
import type {
  IdMapping,
  NamespaceKind,
  RuntimeConfig,
  RuntimeMount,
  RuntimeResources,
} from '../../../oci-spec/runtime.js';
import type { CgroupPlaces } from '../cgroup-places.js';
import type { ContainerOptions } from '../options.js';
import { capabilitySet } from './capabilities.js';
import * as defaults from './defaults.js';
import { commandLine, environment } from './process.js';
import { defaultSeccomp } from './seccomp.js';

/** What a description is made from. Nothing here is read from the host: the same facts give the same document. */
export interface DescribeFacts {
  id: string;
  options: ContainerOptions;
  image: ImageConfig;
  /** The first of the 65,536 host ids of the container; null with the host's own ids. */
  idRange: { first: number; size: number } | null;
  cgroup: CgroupPlaces;
  resources: RuntimeResources;
  /** Files by which names resolve on the host's network as they do on the host; those that the host has. */
  nameServiceFiles: string[];
}

/** The OCI runtime `config.json` of a container. Throws BerthError for what can be seen to be wrong without trying. */
export function describeConfig(facts: DescribeFacts): RuntimeConfig {
  const { options, image, id } = facts;
  const capabilities = capabilitySet(options.capAdd, options.capDrop);
  const hostname = options.hostname ?? id;
  return {
    ociVersion: '1.1.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: commandLine(image, options.command),
      env: environment(image, options.env, hostname),
      cwd: options.workingDirectory ?? (image.config?.WorkingDir || '/'),
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        // Never: what a program inherits must not outlive a change of user (CVE-2022-24769).
        inheritable: [],
        ambient: [],
      },
      noNewPrivileges: true,
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    },
    root: { path: 'rootfs', readonly: options.readOnly },
    hostname,
    mounts: mounts(facts),
    linux: {
      namespaces: namespaces(options).map((type) => ({ type })),
      ...idMappings(facts.idRange),
      devices: [...defaults.devices],
      resources: facts.resources,
      seccomp: defaultSeccomp(capabilities),
      maskedPaths: [...defaults.maskedPaths],
      readonlyPaths: [...defaults.readonlyPaths],
    },
  };
}

function namespaces(options: ContainerOptions): NamespaceKind[] {
  const kinds: NamespaceKind[] = ['pid', 'mount', 'ipc', 'uts', 'cgroup'];
  if (options.userns === 'auto') kinds.push('user');
  if (options.network === 'none') kinds.push('network');
  return kinds;
}

function idMappings(range: DescribeFacts['idRange']): {
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
} {
  if (range === null) return {};
  const mapping = [{ containerID: 0, hostID: range.first, size: range.size }];
  return { uidMappings: mapping, gidMappings: mapping };
}

function mounts({ options, cgroup, nameServiceFiles }: DescribeFacts): RuntimeMount[] {
  return [
    ...defaults.baseMounts,
    options.network === 'host' ? defaults.hostSysfs : defaults.ownSysfs,
    ...cgroupMounts(cgroup),
    ...(options.network === 'host' ? nameServiceFiles.map(nameServiceMount) : []),
    ...options.volumes.map((volume) => ({
      destination: volume.target,
      type: 'bind',
      source: volume.source,
      options: [
        volume.recursive ? 'rbind' : 'bind',
        ...(volume.idmap ? ['idmap'] : []),
        volume.readonly ? 'ro' : 'rw',
        'nosuid',
        'nodev',
      ],
    })),
  ];
}

function nameServiceMount(path: string): RuntimeMount {
  return {
    destination: path,
    type: 'bind',
    source: path,
    options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
  };
}

/** The container's own cgroup where programs look for their limits, read-only. */
function cgroupMounts(cgroup: CgroupPlaces): RuntimeMount[] {
  const flags = ['nosuid', 'noexec', 'nodev', 'ro'];
  if (cgroup.unifiedControls) {
    return [{ destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup', options: flags }];
  }
  const controllers = Object.entries(cgroup.v1);
  if (controllers.length === 0) return [];
  return [
    {
      destination: '/sys/fs/cgroup',
      type: 'tmpfs',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'mode=755', 'size=64k'],
    },
    ...controllers.map(([name, source]) => ({
      destination: `/sys/fs/cgroup/${name}`,
      type: 'bind',
      source,
      options: ['bind', ...flags],
    })),
  ];
}
