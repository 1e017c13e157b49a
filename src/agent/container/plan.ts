import { type ContainerOptions, defaultOptions } from '../../containerizer/container/options.js';
import { commandOf } from './command.js';
import { confinementOf } from './confinement.js';
import { environmentOf } from './environment.js';
import { boundToHost } from './host-capabilities.js';
import { real } from './host-folders.js';
import { admit, imageOf, type WantedImage } from './image.js';
import { limitsOf } from './limits.js';
import { networkOf } from './networks.js';
import { parametersOf } from './parameters.js';
import { volumesOf } from './volumes.js';
import { type ContainerFacts, sandboxPlace, type Workload } from './workload.js';

export interface ContainerPlan {
  image: WantedImage;
  options: ContainerOptions;
  /** Of the sandbox, that must be there: the sandbox is new and nobody's yet, so that no link in it leads elsewhere. */
  folders: string[];
}

/** The host's own files, as an image. */
const hostFiles: WantedImage = { reference: 'dir:/', pull: 'never' };

/** What the containerizer is asked for. Throws a BerthError where nothing can be made of it. */
export function planContainer(workload: Workload, facts: ContainerFacts): ContainerPlan {
  const { command, container, resources, limits } = workload;
  const image = imageOf(container);
  const host = image === undefined;
  if (!host) admit(image, facts.localImages);
  const network = networkOf(container, resources);
  const options: ContainerOptions = {
    ...defaultOptions,
    ...commandOf(command, container, !host),
    ...limitsOf(resources, limits, facts.cpuCeiling),
    ...confinementOf(container, facts.parentSandbox !== undefined, facts.privileged),
    ...network,
    // A first process of its own passes signals on: a program without a handler would not hear them.
    init: true,
    env: environmentOf(command, resources, facts.variables),
    volumes: volumesOf(workload, facts, host),
  };
  // On its network the host's name resolves.
  if (network.network === 'host') options.hostname ??= facts.hostname;
  // An empty one is none: a program without a user would be root.
  const user = command.user || (host ? workload.user : '');
  if (user !== '') options.user = user;
  const sources = options.volumes.map(({ source }) => source);
  const own = [facts.sandbox, facts.parentSandbox ?? facts.sandbox];
  const folders = sources.filter((source) => own.some((sandbox) => source.startsWith(`${sandbox}/`)));
  if (host) {
    const bound = boundToHost(options, facts.hostCapabilities);
    return { image: hostFiles, options: { ...bound, ...onHostFiles(facts) }, folders };
  }
  return { image, options: parametersOf(container?.docker?.parameters ?? [], options), folders };
}

/** With the host's own ids and files, and neither its processes nor what is berth's. */
function onHostFiles({ hostRoot, hostFolders }: ContainerFacts): Partial<ContainerOptions> {
  const readOnly = hostRoot === 'read-only';
  const scratch = ['exec', 'mode=1777'];
  return {
    userns: 'host',
    workingDirectory: sandboxPlace,
    mask: hostFolders.hidden.map(real),
    readOnly,
    tmpfs: readOnly ? ['/tmp', '/var/tmp'].map((target) => ({ target, options: scratch })) : [],
  };
}
