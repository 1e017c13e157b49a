import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { flag, list, map, object, type Shape, ShapeError, text } from '../../oci-spec/shape.js';

type MirrorUse = 'all' | 'digest-only' | 'tag-only';

/** One `[[registry]]`. */
export interface RegistryTable {
  prefix: string;
  /** What stands in the prefix's place; undefined: itself. */
  location: string | undefined;
  insecure: boolean;
  blocked: boolean;
  mirrors: { location: string; insecure: boolean; use: MirrorUse }[];
}

const uses: MirrorUse[] = ['all', 'digest-only', 'tag-only'];
const use: Shape<MirrorUse> = (value, at) => {
  const known = uses.find((each) => each === value);
  if (known === undefined) throw new ShapeError(at, `one of ${uses.join(', ')}`);
  return known;
};

const host = '[A-Za-z0-9.-]+(?::\\d+)?';
const place = text({
  pattern: new RegExp(`^(?:\\*\\.)?${host}(?:/[a-z0-9._/-]+)?$`),
  expected: 'a host with or without the beginning of a path',
});

const fileShape = object(
  {},
  {
    // Empty: the alias of an earlier file does not hold.
    aliases: map(text({ pattern: new RegExp(`^(?:${host}/[a-z0-9._/-]+)?$`), expected: 'a whole name' })),
    'unqualified-search-registries': list(text({ pattern: new RegExp(`^${host}$`), expected: 'a host' })),
    registry: list(
      object(
        {},
        {
          prefix: place,
          location: place,
          insecure: flag,
          blocked: flag,
          'mirror-by-digest-only': flag,
          mirror: list(object({ location: place }, { insecure: flag, 'pull-from-mirror': use })),
        },
      ),
    ),
  },
);

interface Conf {
  search: string[];
  tables: RegistryTable[];
  aliases: Map<string, string>;
}

/** All files together: a later one adds tables and aliases, replaces those of the same prefix or name, and the search list if it has one. */
export async function readRegistriesConf(environment: NodeJS.ProcessEnv): Promise<Conf> {
  let search: string[] = [];
  const tables = new Map<string, RegistryTable>();
  const aliases = new Map<string, string>();
  for (const file of files(environment)) {
    const conf = await readOne(file);
    search = conf?.search ?? search;
    for (const table of conf?.tables ?? []) tables.set(table.prefix, table);
    for (const [name, whole] of conf?.aliases ?? []) {
      if (whole === '') aliases.delete(name);
      else aliases.set(name, whole);
    }
  }
  return { search, tables: [...tables.values()], aliases };
}

/** One that was named is the only one (CONTAINERS_REGISTRIES_CONF). */
function files(environment: NodeJS.ProcessEnv): string[] {
  const stated = environment.CONTAINERS_REGISTRIES_CONF;
  if (stated !== undefined && stated !== '') return [stated];
  const own = path.join(
    environment.XDG_CONFIG_HOME || path.join(environment.HOME || '/root', '.config'),
    'containers',
  );
  return [
    ...['/etc/containers', own].flatMap((folder) => [
      path.join(folder, 'registries.conf'),
      ...dropIns(path.join(folder, 'registries.conf.d')),
    ]),
    chosenAliases,
  ];
}

/** What root has chosen when podman asked which registry was meant. */
const chosenAliases = '/var/cache/containers/short-name-aliases.conf';

function dropIns(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => path.join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

async function readOne(file: string): Promise<(Partial<Conf> & Pick<Conf, 'tables'>) | undefined> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // What distributions install says nothing: the parser need not be loaded for it.
  if (!/^\s*[^#\s]/m.test(content)) return undefined;
  const { parse } = await import('smol-toml');
  try {
    const parsed = parse(content);
    if ('registries' in parsed)
      throw new ShapeError('[registries]', 'understood: it is of version 1 of that file');
    const { registry = [], ...whole } = fileShape(parsed, '');
    const search = whole['unqualified-search-registries'];
    const tables = registry.map((each, i) => tableOf(each, `registry[${i}]`));
    const aliases = new Map(Object.entries(whole.aliases ?? {}));
    return search === undefined ? { tables, aliases } : { search, tables, aliases };
  } catch (cause) {
    const [why = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new BerthError('REGISTRIES_INVALID', {
      what: file,
      why,
      mend: 'See containers-registries.conf(5).',
      cause,
    });
  }
}

type Stated = NonNullable<ReturnType<typeof fileShape>['registry']>[number];

function tableOf(stated: Stated, at: string): RegistryTable {
  const { location, prefix = location, insecure = false, blocked = false, mirror = [] } = stated;
  if (prefix === undefined) throw new ShapeError(at, 'a table with a prefix or a location');
  const usual: MirrorUse = stated['mirror-by-digest-only'] === true ? 'digest-only' : 'all';
  return {
    prefix,
    location,
    insecure,
    blocked,
    mirrors: mirror.map((each) => ({
      location: each.location,
      insecure: each.insecure ?? false,
      use: each['pull-from-mirror'] ?? usual,
    })),
  };
}
