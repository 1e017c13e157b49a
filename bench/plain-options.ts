import type { ContainerOptions } from '../src/containerizer/container/options.js';

/** `berth run --rm IMAGE COMMAND`, with no other flag. */
export function plainOptions(command: string[]): ContainerOptions {
  return {
    command,
    env: [],
    volumes: [],
    network: 'none',
    readOnly: false,
    capAdd: [],
    capDrop: [],
    userns: 'auto',
    remove: true,
  };
}
