import { InvalidArgumentError, Option } from 'commander';
import type { Tmpfs, VolumesFrom } from '../../containerizer/container/options.js';
import { type FlagGroup, repeatable } from './group.js';
import { mount } from './mount.js';
import { bytes } from './quantity.js';
import { tmpfs } from './tmpfs.js';
import { type Asked, volume } from './volume.js';

interface Given {
  volume?: Asked[];
  mount?: (Asked | { tmpfs: Tmpfs })[];
  tmpfs?: Tmpfs[];
  volumesFrom?: VolumesFrom[];
  shmSize?: number;
  readOnly?: true;
}

/** What it sees of files. */
export const storage: FlagGroup<Given> = {
  title: 'Storage',
  flags: [
    new Option(
      '-v, --volume <[source:]target[:options]>',
      'show a folder or file of the host, or a volume by name, or a new one; options ro, rbind, noidmap, nocopy, rslave, rshared; z and Z mean nothing here (repeatable)',
    ).argParser(repeatable(volume)),
    new Option(
      '--mount <key=value,...>',
      'the same at length: type=bind|volume|tmpfs, source=, target=, readonly, bind-propagation=, bind-recursive=, volume-nocopy, tmpfs-size=, tmpfs-mode= (repeatable)',
    ).argParser(repeatable(mount)),
    new Option(
      '--tmpfs <path[:options]>',
      'files in memory; options of tmpfs(5) and mount(8) (repeatable)',
    ).argParser(repeatable(tmpfs)),
    new Option('--volumes-from <container[:ro]>', 'the volumes of another container (repeatable)').argParser(
      repeatable(volumesFrom),
    ),
    new Option('--shm-size <size>', 'size of /dev/shm (default: 64m)').argParser(bytes),
    new Option('--read-only', 'root file system read-only'),
  ],
  collect({ volume = [], mount = [], tmpfs = [], volumesFrom, shmSize, readOnly }) {
    const all = [...volume, ...mount, ...tmpfs.map((each) => ({ tmpfs: each }))];
    return {
      volumes: all.flatMap((each) => ('bind' in each ? [each.bind] : [])),
      namedVolumes: all.flatMap((each) => ('volume' in each ? [each.volume] : [])),
      tmpfs: all.flatMap((each) => ('tmpfs' in each ? [each.tmpfs] : [])),
      volumesFrom,
      shmSize,
      readOnly,
    };
  },
};

function volumesFrom(text: string): VolumesFrom {
  const [container = '', mode, ...more] = text.split(':');
  if (container === '' || more.length > 0 || (mode !== undefined && mode !== 'ro' && mode !== 'rw')) {
    throw new InvalidArgumentError('It is CONTAINER, CONTAINER:ro or CONTAINER:rw.');
  }
  return { container, readonly: mode === 'ro' };
}
