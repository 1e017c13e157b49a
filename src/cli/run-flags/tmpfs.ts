import { InvalidArgumentError } from 'commander';
import type { Tmpfs } from '../../containerizer/container/options.js';
import { place } from './volume.js';

/** mount(8): what is an attribute of any mount. */
const attributes = [
  ...['ro', 'rw', 'suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec', 'atime', 'noatime'],
  ...['diratime', 'nodiratime', 'relatime', 'strictatime'],
];

/** tmpfs(5), with what each value looks like. */
const parameters: Record<string, RegExp> = {
  size: /^\d+[kmgt%]?$/i,
  nr_blocks: /^\d+[kmgt]?$/i,
  nr_inodes: /^\d+[kmgt]?$/i,
  mode: /^[0-7]{1,4}$/,
  uid: /^\d{1,5}$/,
  gid: /^\d{1,5}$/,
};

/** `TARGET[:OPTION,…]`, with the options of tmpfs(5) and of any mount. Unless told otherwise nosuid, nodev and noexec, as Docker has it. */
export function tmpfs(text: string): Tmpfs {
  const [target = '', options = '', ...more] = text.split(':');
  if (more.length > 0) throw new InvalidArgumentError('It is PATH or PATH:OPTIONS.');
  const words = options.split(',').filter((word) => word !== '');
  for (const word of words) {
    const [key = '', value] = word.split('=');
    const known = value === undefined ? attributes.includes(key) : parameters[key]?.test(value) === true;
    if (!known) {
      throw new InvalidArgumentError(
        `${word} is no option of a tmpfs: ${[...attributes, ...Object.keys(parameters).map((name) => `${name}=`)].join(', ')} are.`,
      );
    }
  }
  return { target: place(target), options: words };
}
