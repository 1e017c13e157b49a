import type { ContainerOptions } from '../../containerizer/container/options.js';
import type { CommandInfo, ContainerInfo } from '../../mesos/messages.js';
import { unfit } from './workload.js';

/**
 * What is run. With a shell, `/bin/sh -c VALUE`. Without one, of a MESOS container: VALUE with all of `arguments` but the first, which is argv[0], or the entry point of the image with
 * them; of a DOCKER container, entry point and then VALUE and `arguments`, as docker(1) has it.
 */
export function commandOf(
  { value, shell = true, arguments: words = [] }: CommandInfo,
  container: ContainerInfo | undefined,
  hasImage: boolean,
): Pick<ContainerOptions, 'entrypoint' | 'command'> {
  if (shell) {
    if (value === undefined) {
      if (!hasImage || words.length > 0) throw unfit('command', "it is for a shell and has no 'value'");
      return { command: [] };
    }
    return { entrypoint: ['/bin/sh', '-c', value], command: [] };
  }
  if (container?.type === 'DOCKER') return { command: value === undefined ? words : [value, ...words] };
  if (value !== undefined) return { entrypoint: [value, ...words.slice(1)], command: [] };
  if (!hasImage) throw unfit('command', "it has no 'value'");
  return { command: words };
}
