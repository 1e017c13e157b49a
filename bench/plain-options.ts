import { type ContainerOptions, defaultOptions } from '../src/containerizer/container/options.js';

/** `berth run --rm IMAGE COMMAND`, with no other flag. */
export function plainOptions(command: string[]): ContainerOptions {
  return { ...defaultOptions, command, remove: true };
}
