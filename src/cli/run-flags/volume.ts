import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Volume } from '../../containerizer/container/options.js';

const flags: Record<string, Partial<Volume>> = {
  ro: { readonly: true },
  rw: { readonly: false },
  rbind: { recursive: true },
  bind: { recursive: false },
  noidmap: { idmap: false },
};

/** `SOURCE:TARGET[:OPTION,…]`, with a folder or file of the host as source. */
export function volume(text: string): Volume {
  const [source = '', target = '', options = '', ...more] = text.split(':');
  if (more.length > 0 || target === '') {
    throw new InvalidArgumentError('It is SOURCE:TARGET or SOURCE:TARGET:OPTIONS.');
  }
  if (!path.isAbsolute(source) && !source.startsWith('./') && !source.startsWith('../')) {
    throw new InvalidArgumentError(
      `${source === '' ? 'An empty source' : source} is no path; named volumes are not supported yet.`,
    );
  }
  const place = path.posix.normalize(target).replace(/(.)\/$/, '$1');
  if (!path.posix.isAbsolute(target) || place === '/') {
    throw new InvalidArgumentError('Its target is an absolute path inside the container, other than /.');
  }
  if (/^\/(proc|sys|dev\/pts|dev\/mqueue)(\/|$)/.test(place)) {
    throw new InvalidArgumentError(
      'Its target cannot lie in /proc or /sys, nor in /dev/pts or /dev/mqueue: what hides the host there could be covered.',
    );
  }
  if (place === '/dev') {
    throw new InvalidArgumentError(
      'Its target cannot be /dev: device nodes would be made in the folder of the host.',
    );
  }
  const found: Volume = {
    source: path.resolve(source),
    target: place,
    readonly: false,
    recursive: false,
    idmap: true,
  };
  for (const option of options.split(',').filter((word) => word !== '')) {
    const change = Object.hasOwn(flags, option) ? flags[option] : undefined;
    if (change === undefined) {
      throw new InvalidArgumentError(
        `${option} is no option of a volume: ${Object.keys(flags).join(', ')} are.`,
      );
    }
    Object.assign(found, change);
  }
  return found;
}
