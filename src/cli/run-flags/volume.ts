import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { NamedVolume, Volume } from '../../containerizer/container/options.js';
import { normalPlace, whyNoPlace } from '../../containerizer/volume/place.js';
import { isVolumeName } from '../../containerizer/volume/store.js';

/** What one `--volume` or `--mount` asks for. */
export type Asked = { bind: Volume } | { volume: NamedVolume };

type Change = Partial<Volume> & { copy?: false };

/** Options that Docker and Podman have and that change nothing here: SELinux labels, caching of another system, the default. */
const without = ['z', 'Z', 'cached', 'delegated', 'consistent', 'default', 'private', 'rprivate'];

const changes: Record<string, Change> = {
  ro: { readonly: true },
  rw: { readonly: false },
  rbind: { recursive: true },
  bind: { recursive: false },
  idmap: { idmap: true },
  noidmap: { idmap: false },
  nocopy: { copy: false },
  slave: { propagation: 'slave' },
  rslave: { propagation: 'slave', recursive: true },
  shared: { propagation: 'shared' },
  rshared: { propagation: 'shared', recursive: true },
};

/** `SOURCE:TARGET[:OPTION,…]` with a path of the host or the name of a volume as source, or a TARGET alone for a volume without a name. */
export function volume(text: string): Asked {
  const [first = '', second, options = '', ...more] = text.split(':');
  if (more.length > 0 || text === '' || second === '') {
    throw new InvalidArgumentError('It is SOURCE:TARGET, SOURCE:TARGET:OPTIONS or TARGET.');
  }
  const change = readOptions(options);
  if (second === undefined) return { volume: named(null, first, change) };
  if (isPath(first)) return { bind: bound(first, second, change) };
  if (!isVolumeName(first)) {
    throw new InvalidArgumentError(
      `${first === '' ? 'An empty source' : first} is neither a path nor the name of a volume: a path starts with / or ./, a name has letters, digits, dots, dashes and underscores.`,
    );
  }
  return { volume: named(first, second, change) };
}

function isPath(source: string): boolean {
  return path.isAbsolute(source) || /^\.\.?(\/|$)/.test(source);
}

/** A folder or file of the host. */
export function bound(source: string, target: string, { copy, ...change }: Change): Volume {
  if (copy === false)
    throw new InvalidArgumentError(
      'nocopy is for volumes with a name: nothing is copied into a folder of the host.',
    );
  return {
    source: path.resolve(source),
    target: place(target),
    readonly: false,
    recursive: false,
    idmap: true,
    ...change,
  };
}

/** A volume of berth's own. */
export function named(name: string | null, target: string, change: Change): NamedVolume {
  const { copy = true, readonly = false, ...rest } = change;
  if (Object.keys(rest).length > 0) {
    throw new InvalidArgumentError(
      'A volume takes the options ro, rw and nocopy; the others are for folders of the host.',
    );
  }
  return { name, target: place(target), readonly, copy };
}

function readOptions(options: string): Change {
  const found: Change = {};
  for (const option of options.split(',').filter((word) => word !== '' && !without.includes(word))) {
    const change = Object.hasOwn(changes, option) ? changes[option] : undefined;
    if (change === undefined) {
      throw new InvalidArgumentError(
        `${option} is no option of a volume: ${Object.keys(changes).join(', ')} are.`,
      );
    }
    Object.assign(found, change);
  }
  return found;
}

/** Where something may be mounted. */
export function place(target: string): string {
  const normal = normalPlace(target);
  const why = path.posix.isAbsolute(target) ? whyNoPlace(normal) : whyNoPlace('');
  if (why !== undefined) throw new InvalidArgumentError(why);
  return normal;
}
