/**
 * The OCI runtime specification's `config.json`, version 1.1 (config.md, config-linux.md): the members that berth writes. What it reads from others is
 * checked by the native code, which is the only reader.
 */
export interface RuntimeConfig {
  ociVersion: string;
  process: RuntimeProcess;
  root: { path: string; readonly: boolean };
  hostname?: string;
  domainname?: string;
  mounts: RuntimeMount[];
  linux: RuntimeLinux;
  annotations?: Record<string, string>;
}

export interface RuntimeProcess {
  terminal: boolean;
  /** Characters; meaningful with a terminal. */
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  args: string[];
  /** `NAME=VALUE` each. */
  env: string[];
  cwd: string;
  capabilities: Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', string[]>;
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges: boolean;
  oomScoreAdj?: number;
}

export interface RuntimeMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** Made anew, or joined where `path` names one. */
export interface RuntimeNamespace {
  type: NamespaceKind;
  path?: string;
}

export type NamespaceKind = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup';

export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface RuntimeLinux {
  namespaces: RuntimeNamespace[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  devices: RuntimeDevice[];
  cgroupsPath?: string;
  resources: RuntimeResources;
  seccomp?: Seccomp;
  maskedPaths: string[];
  readonlyPaths: string[];
  sysctl?: Record<string, string>;
}

export interface RuntimeDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

/** config-linux.md, control groups. Amounts are bytes, -1 for unlimited; `swap` counts memory and swap together. */
export interface RuntimeResources {
  devices?: { allow: boolean; type?: 'a' | 'b' | 'c'; major?: number; minor?: number; access: string }[];
  memory?: {
    limit?: number;
    reservation?: number;
    swap?: number;
    /** v1 alone, like the next two. */
    kernelTCP?: number;
    swappiness?: number;
    disableOOMKiller?: boolean;
  };
  /** `quota`: microseconds of CPU time in each period, which is in microseconds too. */
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    burst?: number;
    idle?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO?: {
    weight?: number;
    leafWeight?: number;
    weightDevice?: { major: number; minor: number; weight?: number; leafWeight?: number }[];
    throttleReadBpsDevice?: DeviceRate[];
    throttleWriteBpsDevice?: DeviceRate[];
    throttleReadIOPSDevice?: DeviceRate[];
    throttleWriteIOPSDevice?: DeviceRate[];
  };
  hugepageLimits?: { pageSize: string; limit: number }[];
  network?: { classID?: number; priorities?: { name: string; priority: number }[] };
  /** Files of cgroup v2 and what to write into them. */
  unified?: Record<string, string>;
}

/** A second; 0: no limit. */
export interface DeviceRate {
  major: number;
  minor: number;
  rate: number;
}

export interface Seccomp {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  architectures: string[];
  syscalls: SeccompRule[];
}

export type SeccompAction =
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_TRAP';

export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}
