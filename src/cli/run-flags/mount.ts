import { InvalidArgumentError } from 'commander';
import type { Tmpfs, Volume } from '../../containerizer/container/options.js';
import { isVolumeName } from '../../containerizer/volume/store.js';
import { bytes } from './quantity.js';
import { tmpfs } from './tmpfs.js';
import { type Asked, bound, named } from './volume.js';

const keysOf = {
  bind: ['bind-propagation', 'bind-recursive', 'bind-nonrecursive', 'consistency'],
  volume: ['volume-nocopy', 'volume-driver'],
  tmpfs: ['tmpfs-size', 'tmpfs-mode'],
} as const;

const everyones = ['type', 'source', 'target', 'readonly'];

const otherNames: Record<string, string> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  propagation: 'bind-propagation',
};

/** Docker's `--mount KEY=VALUE,…`: type bind, volume (the default) or tmpfs. */
export function mount(text: string): Asked | { tmpfs: Tmpfs } {
  const given = fields(text);
  const type = given.get('type') ?? 'volume';
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') {
    throw new InvalidArgumentError(`${type} is no type of mount that berth has: bind, volume and tmpfs are.`);
  }
  for (const key of given.keys()) {
    if (!everyones.includes(key) && !(keysOf[type] as readonly string[]).includes(key)) {
      throw new InvalidArgumentError(
        `${key} is no key of a mount of type ${type}: ${[...everyones, ...keysOf[type]].join(', ')} are.`,
      );
    }
  }
  const target = given.get('target');
  if (target === undefined || target === '') throw new InvalidArgumentError('It needs target=PATH.');
  const readonly = isSet(given, 'readonly');
  const source = given.get('source');
  switch (type) {
    case 'bind':
      if (source === undefined || source === '') throw new InvalidArgumentError('A bind needs source=PATH.');
      return { bind: bound(source, target, { readonly, ...bindChanges(given) }) };
    case 'volume':
      return { volume: volumeOf(given, source, target, readonly) };
    case 'tmpfs':
      if (source !== undefined) throw new InvalidArgumentError('A tmpfs has no source.');
      return { tmpfs: tmpfs(`${target}:${tmpfsOptions(given, readonly)}`) };
  }
}

function volumeOf(given: Map<string, string>, source: string | undefined, target: string, readonly: boolean) {
  if (source !== undefined && source !== '' && !isVolumeName(source)) {
    throw new InvalidArgumentError(`${source} is no name of a volume; a folder of the host takes type=bind.`);
  }
  if ((given.get('volume-driver') ?? 'local') !== 'local')
    throw new InvalidArgumentError('The one driver of volumes is local.');
  return named(source || null, target, {
    readonly,
    ...(isSet(given, 'volume-nocopy') ? { copy: false } : {}),
  });
}

const propagations: Record<string, Volume['propagation']> = {
  private: 'private',
  rprivate: 'private',
  slave: 'slave',
  rslave: 'slave',
  shared: 'shared',
  rshared: 'shared',
};

function bindChanges(given: Map<string, string>): Partial<Volume> {
  const propagation = given.get('bind-propagation');
  const recursive = given.get('bind-recursive');
  if (propagation !== undefined && !Object.hasOwn(propagations, propagation)) {
    throw new InvalidArgumentError(
      `${propagation} is no propagation: ${Object.keys(propagations).join(', ')} are.`,
    );
  }
  // `readonly` is what a recursive bind that is read-only does anyway.
  if (recursive !== undefined && !['enabled', 'disabled', 'readonly'].includes(recursive)) {
    throw new InvalidArgumentError('bind-recursive is enabled, disabled or readonly.');
  }
  return {
    ...(recursive === undefined ? {} : { recursive: recursive !== 'disabled' }),
    ...(isSet(given, 'bind-nonrecursive') ? { recursive: false } : {}),
    ...(propagation === undefined ? {} : { propagation: propagations[propagation] ?? 'private' }),
  };
}

function tmpfsOptions(given: Map<string, string>, readonly: boolean): string {
  const size = given.get('tmpfs-size');
  const mode = given.get('tmpfs-mode');
  return [
    ...(readonly ? ['ro'] : []),
    ...(size === undefined ? [] : [`size=${bytes(size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ].join();
}

function isSet(given: Map<string, string>, key: string): boolean {
  const value = given.get(key);
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === '' || value === 'true' || value === '1') return true;
  throw new InvalidArgumentError(`${key} is true or false, not ${value}.`);
}

/** One line of CSV (RFC 4180), as Docker reads it: a field with a comma in it stands in quotes. */
function fields(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/y;
  do {
    const [, quoted, plain = ''] = pattern.exec(text) ?? [];
    const field = quoted?.replaceAll('""', '"') ?? plain;
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const name = Object.hasOwn(otherNames, key) ? (otherNames[key] ?? key) : key;
    if (name === '') {
      throw new InvalidArgumentError(
        'It is KEY=VALUE,KEY=VALUE…; a field with a comma stands in double quotes.',
      );
    }
    if (found.has(name)) throw new InvalidArgumentError(`${name} is given twice.`);
    found.set(name, equals < 0 ? '' : field.slice(equals + 1));
  } while (pattern.lastIndex > 0 && pattern.lastIndex < text.length);
  return found;
}
