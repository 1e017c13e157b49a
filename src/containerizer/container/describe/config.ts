import type { ImageConfig } from '../../../oci-spec/image.js';
import type { RuntimeConfig, RuntimeMount, RuntimeResources } from '../../../oci-spec/runtime.js';
import type { CgroupPlaces } from '../cgroup-places.js';
import type { ContainerOptions, Volume } from '../options.js';
import { deviceNodes, deviceRules, type HostDevice } from './devices.js';
import { mounts } from './mounts.js';
import { idMappings, namespaces, type Peers } from './namespaces.js';
import { capabilities, masks, noNewPrivileges, systemCallFilter } from './privileges.js';
import { commandLine, environment, resourceLimits } from './process.js';
import { sysctls } from './sysctls.js';

/** What a description is made from. Nothing here is read from the host: the same facts give the same document. */
export interface DescribeFacts {
  id: string;
  options: ContainerOptions;
  image: ImageConfig;
  /** The first of the 65,536 host ids of the container; null with the host's own ids. */
  idRange: { first: number; size: number } | null;
  cgroup: CgroupPlaces;
  resources: RuntimeResources;
  /** Mounts by which names resolve. */
  nameService: RuntimeMount[];
  /** Settings of its network namespace. */
  networkSettings: Record<string, string>;
  /** Folders and files of the host that are shown, those of volumes among them. */
  volumes?: Volume[];
  /** Devices of the host that were asked for. */
  devices?: HostDevice[];
  /** The containers whose namespaces are shared. */
  peers?: Peers;
  /** What berth itself holds; asked for only where the container shares its user namespace. */
  ownCapabilities?: string[] | undefined;
  /** The host's name, where the container shares it. */
  hostHostname?: string;
  /** Whether the host has message queues mounted at /dev/mqueue. */
  hostQueues?: boolean;
  /** Of the client's terminal, in characters. */
  consoleSize?: { height: number; width: number };
}

/** The OCI runtime `config.json` of a container. Throws BerthError for what can be seen to be wrong without trying. */
export function describeConfig(facts: DescribeFacts): RuntimeConfig {
  const { options, image, id, consoleSize } = facts;
  const held = capabilities(options, facts.ownCapabilities);
  const seccomp = systemCallFilter(options, held);
  const settings = { ...facts.networkSettings, ...sysctls(options) };
  const hostname = options.uts === 'host' ? (facts.hostHostname ?? '') : (options.hostname ?? id);
  return {
    ociVersion: '1.1.0',
    process: {
      terminal: options.terminal,
      ...(consoleSize === undefined ? {} : { consoleSize }),
      user: { uid: 0, gid: 0, ...(options.umask === undefined ? {} : { umask: options.umask }) },
      args: commandLine(image, options),
      env: environment(image, options.env, hostname, options.terminal),
      cwd: options.workingDirectory ?? (image.config?.WorkingDir || '/'),
      capabilities: {
        bounding: held,
        effective: held,
        permitted: held,
        // Never: what a program inherits must not outlive a change of user (CVE-2022-24769).
        inheritable: [],
        ambient: [],
      },
      ...(options.ulimits.length === 0 ? {} : { rlimits: resourceLimits(options.ulimits) }),
      noNewPrivileges: noNewPrivileges(options),
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    },
    root: { path: 'rootfs', readonly: options.readOnly },
    // Else it is somebody else's, who has set it.
    ...(options.uts === 'private' ? { hostname } : {}),
    ...(options.domainname === undefined ? {} : { domainname: options.domainname }),
    ...(Object.keys(options.annotations).length === 0 ? {} : { annotations: options.annotations }),
    mounts: mounts(facts),
    linux: {
      namespaces: namespaces(options, facts.peers ?? {}),
      ...idMappings(facts.idRange),
      devices: deviceNodes(facts),
      // Without that controller there is nothing to set.
      resources:
        facts.resources.devices === undefined
          ? facts.resources
          : { ...facts.resources, devices: deviceRules(facts) },
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(Object.keys(settings).length === 0 ? {} : { sysctl: settings }),
      ...masks(options),
    },
  };
}
