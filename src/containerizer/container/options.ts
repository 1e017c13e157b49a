import type { ResourceLimits } from './limits.js';

/** What a caller decides about one container. Everything else comes from the image and from berth's defaults. */
export interface ContainerOptions extends ResourceLimits {
  name?: string;
  /** Replaces the image's command; its entry point stays. */
  command: string[];
  /** `NAME=VALUE`, later ones win over earlier ones and over the image's. */
  env: string[];
  volumes: Volume[];
  workingDirectory?: string;
  /** As Docker has it: `USER`, `UID`, `USER:GROUP`, `UID:GID`. */
  user?: string;
  hostname?: string;
  network: 'none' | 'host';
  /** -1000 to 1000: how ready the kernel is to kill it when memory runs out. */
  oomScoreAdj?: number;
  readOnly: boolean;
  capAdd: string[];
  capDrop: string[];
  /** `auto`: a private range of ids; `host`: the host's own. */
  userns: 'auto' | 'host';
  /** Nothing of the container stays once it has ended. */
  remove: boolean;
}

/** What holds where the caller says nothing. */
export const defaultOptions: Omit<ContainerOptions, 'command'> = {
  env: [],
  volumes: [],
  network: 'none',
  readOnly: false,
  capAdd: [],
  capDrop: [],
  userns: 'auto',
  remove: false,
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
}
