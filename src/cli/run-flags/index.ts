import type { Command } from 'commander';
import { type ContainerOptions, defaultOptions } from '../../containerizer/container/options.js';
import type { FlagGroup } from './group.js';
import { identity } from './identity.js';
import { image } from './image.js';
import { interaction } from './interaction.js';
import { kernel } from './kernel.js';
import { lifecycle } from './lifecycle.js';
import { namespaces } from './namespaces.js';
import { network } from './network.js';
import { processGroup } from './process.js';
import { resources } from './resources.js';
import { security } from './security.js';
import { storage } from './storage.js';

/** The flags that say what a container is, with Docker's names; one table for parsing, help and reference. */
const groups: FlagGroup[] = [
  identity,
  image,
  processGroup,
  interaction,
  storage,
  resources,
  kernel,
  security,
  namespaces,
  network,
  lifecycle,
];

/** Adds every flag to a verb that makes containers. */
export function declareRunFlags(command: Command): void {
  for (const { title, flags } of groups) {
    for (const flag of flags) command.addOption(flag.helpGroup(`${title}:`));
  }
}

/** What the flags that were given come to. */
export async function containerOptions(given: object, command: string[]): Promise<ContainerOptions> {
  const fragments = await Promise.all(groups.map((group) => group.collect(given)));
  const said = fragments
    .flatMap((fragment) => Object.entries(fragment))
    .filter(([, value]) => value !== undefined);
  return { ...defaultOptions, ...Object.fromEntries(said), command };
}
