import type { SeccompProfile } from '../../oci-spec/seccomp-profile.js';
import type { HealthCommand, RestartPolicy } from '../keeping/wishes.js';
import type { AttachmentWish } from '../network/document.js';
import type { PortSpec } from '../network/port-spec.js';
import type { PodMember } from '../pod/member.js';
import type { ResourceLimits } from './limits.js';

/** What a caller decides about one container. Everything else comes from the image and from berth's defaults. */
export interface ContainerOptions extends ResourceLimits {
  name?: string;
  /** A file to be made that says the id; it must not be there yet. */
  idFile?: string;
  /** Replaces the image's command; its entry point stays. */
  command: string[];
  /** `NAME=VALUE`, later ones win over earlier ones and over the image's. */
  env: string[];
  /** Instead of the image's entry point, and of its command with it; empty: none. */
  entrypoint?: string[];
  labels: Record<string, string>;
  /** Kept in config.json; they select nothing. */
  annotations: Record<string, string>;
  volumes: Volume[];
  namedVolumes: NamedVolume[];
  tmpfs: Tmpfs[];
  volumesFrom: VolumesFrom[];
  /** Bytes of /dev/shm. */
  shmSize?: number;
  workingDirectory?: string;
  /** The image must have it; else it is made. */
  requireDirectory?: boolean;
  /** As Docker has it: `USER`, `UID`, `USER:GROUP`, `UID:GID`. */
  user?: string;
  /** More groups: names from the image, or numbers. */
  groups: string[];
  /** 0 to 0o777; unset: 022. */
  umask?: number;
  /** Whether a first process of berth's stands before the program, passes signals on and collects orphans. */
  init: boolean;
  /** Other programs, run as the program is: it is begun once the one before it has ended with 0, and the one after it runs when it has ended. */
  handlers?: { before?: string[]; after?: string[] };
  /** As `berth kill -s` takes it; unset: the image's, or SIGTERM. */
  stopSignal?: string;
  /** Seconds between it and SIGKILL; unset: 10. */
  stopTimeout?: number;
  hostname?: string;
  domainname?: string;
  /** `none`, `host`, the name of a network, or another container's. What is said of addresses and names below is of this one. */
  network: string | Peer;
  /** With a network by name: those that it is on beside it. */
  furtherNetworks: AttachmentWish[];
  publish: PortSpec[];
  /** Also every port that the image exposes, each on any port of the host. */
  publishAll: boolean;
  /** Beside those that the image exposes. */
  expose: PortSpec[];
  /** Addresses on the network; unset: any. */
  ip?: string;
  ip6?: string;
  macAddress?: string;
  /** Of several networks that with the highest is the way out; unset: 0. */
  gatewayPriority?: number;
  /** Further names by which others on the network find it. */
  networkAliases: string[];
  /** Name servers, search domains and options of resolv.conf(5) instead of the host's; empty: the host's. */
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  /** Lines of /etc/hosts; `host-gateway` is the host's address on the network. */
  addHosts: { name: string; address: string }[];
  /** -1000 to 1000: how ready the kernel is to kill it when memory runs out. */
  oomScoreAdj?: number;
  readOnly: boolean;
  capAdd: string[];
  capDrop: string[];
  /** Every capability and device, no filter, nothing hidden. */
  privileged: boolean;
  /** Unset: true, but for a privileged one. */
  noNewPrivileges?: boolean;
  /** Unset: berth's own filter, but for a privileged one. */
  seccomp?: 'unconfined' | { profile: SeccompProfile };
  /** What the filter allows less, if it is berth's own. */
  systemCalls?: SystemCallSet;
  /** Paths hidden beside the usual ones, and those of the usual ones that are not. */
  mask: string[];
  unmask: 'all' | string[];
  devices: DeviceOption[];
  deviceRules: DeviceRule[];
  ulimits: Ulimit[];
  /** With dots or slashes, as sysctl(8) takes them. */
  sysctls: Record<string, string>;
  /** `auto`: a private range of ids; `host`: the host's own. */
  userns: 'auto' | 'host' | Peer;
  pid: 'private' | 'host' | Peer;
  /** `shareable`: others may join it; `none`: without /dev/shm. */
  ipc: 'private' | 'shareable' | 'none' | 'host' | Peer;
  uts: 'private' | 'host' | Peer;
  cgroupns: 'private' | 'host';
  /** What it is in a pod. */
  pod?: PodMember;
  /** A running container, by its id, in whose control groups this one is: what that one may use, both may together, and neither has limits of its own here. */
  cgroupOf?: string;
  /** Nothing of the container stays once it has ended. */
  remove: boolean;
  /** What an agent is to do for it; unset: nothing. */
  restart?: RestartPolicy;
  healthcheck?: HealthCommand;
  /** The program's stdio is a terminal of its own. */
  terminal: boolean;
  /** What clients type or pipe reaches the program; else its stdin is empty. */
  input: boolean;
}

/** System calls that alone stay allowed (`keep`), or that are blocked: with an errno, or by the end of the process. */
export interface SystemCallSet {
  keep: boolean;
  names: string[];
  errno?: number;
}

/** What holds where the caller says nothing. */
export const defaultOptions: Omit<ContainerOptions, 'command'> = {
  env: [],
  labels: {},
  annotations: {},
  volumes: [],
  namedVolumes: [],
  tmpfs: [],
  volumesFrom: [],
  groups: [],
  init: false,
  network: 'none',
  furtherNetworks: [],
  publish: [],
  publishAll: false,
  expose: [],
  networkAliases: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  addHosts: [],
  readOnly: false,
  capAdd: [],
  capDrop: [],
  privileged: false,
  mask: [],
  unmask: [],
  devices: [],
  deviceRules: [],
  ulimits: [],
  sysctls: {},
  userns: 'auto',
  pid: 'private',
  ipc: 'private',
  uts: 'private',
  cgroupns: 'private',
  remove: false,
  terminal: false,
  input: false,
};

/** A folder or file of the host, seen inside the container. */
export interface Volume {
  /** Absolute, on the host. */
  source: string;
  /** Absolute, in the container. */
  target: string;
  readonly: boolean;
  /** With the mounts below it. */
  recursive: boolean;
  /** Owners appear inside as they are on the host; false: as nobody. */
  idmap: boolean;
  /** No part of `source` may be a link: whoever can write on its way could have it lead elsewhere after it was looked at. */
  plain?: boolean;
  /** Whether mounts made below it later are seen on the other side; unset: `private`, neither way. */
  propagation?: 'private' | 'slave' | 'shared';
}

/** A volume of berth's own, by name; null: a new one that has none. */
export interface NamedVolume {
  name: string | null;
  /** Absolute, in the container. */
  target: string;
  readonly: boolean;
  /** While it is empty, what the image has at `target` is copied into it. */
  copy: boolean;
}

export interface Tmpfs {
  target: string;
  /** As mount(8) has them; before them go nosuid, nodev and noexec. */
  options: string[];
}

/** The volumes of another container, at the same places. */
export interface VolumesFrom {
  container: string;
  readonly: boolean;
}

/** Another container's namespace, by its id or name. */
export interface Peer {
  container: string;
}

/** A device of the host, or a folder of them. */
export interface DeviceOption {
  source: string;
  target: string;
  /** Letters of `rwm`. */
  access: string;
}

/** Devices that may be used, by number; what is unset is any. */
export interface DeviceRule {
  type: 'a' | 'b' | 'c';
  major?: number;
  minor?: number;
  access: string;
}

/** A limit of setrlimit(2); null: none. */
export interface Ulimit {
  /** As ulimits are called: `nofile`. */
  name: string;
  soft: number | null;
  hard: number | null;
}
