import type { NativeError } from './native-error.js';

export interface ProbeCalls {
  /**
   * Tries what a launch needs of the kernel, each thing by doing it, and answers with what became of each. Leaves nothing
   * behind, and fails for no lack of the host.
   */
  probeHost(request: ProbeRequest): Promise<ProbeOutcome[]>;
}

export interface ProbeRequest {
  /** Try namespaces and mounts as root does; else each inside a new user namespace. */
  privileged: boolean;
  /** Where layers and upper directories live, an existing folder; null: do not try id-mapping and overlay. */
  directory: string | null;
  /** The host id that container ids are to start at in the id-mapped probes. */
  firstId: number;
  /** The caller's own cgroup in the v2 hierarchy, to try CLONE_INTO_CGROUP with; null: do not try. */
  cgroup: string | null;
}

export interface ProbeOutcome {
  name: ProbeName;
  /** Null where it worked. */
  failure: NativeError | null;
}

export type ProbeName =
  | 'clone3'
  | `namespace ${'user' | 'mount' | 'pid' | 'net' | 'ipc' | 'uts' | 'cgroup' | 'time'}`
  | 'pidfd'
  | 'openat2'
  | 'mount api'
  | 'mount_setattr'
  | 'seccomp'
  | 'memfd exec'
  | 'bridges'
  | 'packet filter'
  | 'clone into cgroup'
  | 'idmap'
  | 'overlay'
  | 'idmapped overlay'
  | 'layer images';
