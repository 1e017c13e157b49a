import { BerthError } from '../../errors/berth-error.js';
import type { Location } from './location.js';
import { type RegistryTable, readRegistriesConf } from './registries-conf.js';

/** A place to ask. */
export interface Candidate {
  location: Location;
  /** A certificate need not be valid, nor TLS be spoken at all. */
  insecure: boolean;
  mirror: boolean;
}

/** What registries.conf says of where images come from (containers-registries.conf(5)). */
export class Registries {
  private constructor(
    /** Where short names are looked for; none: on Docker Hub. */
    readonly search: readonly string[],
    private readonly tables: readonly RegistryTable[],
    /** What short names stand for, wherever else they might be found. */
    readonly aliases: ReadonlyMap<string, string>,
  ) {}

  static async read(environment: NodeJS.ProcessEnv): Promise<Registries> {
    const { search, tables, aliases } = await readRegistriesConf(environment);
    return new Registries(search, tables, aliases);
  }

  /** The servers that may have something, in the order to ask them. A mirror may be for what is asked by digest alone, or by tag alone. */
  candidates(location: Location, byDigest: boolean): Candidate[] {
    const name = `${location.registry}/${location.repository}`;
    const table = this.tables
      .filter(({ prefix }) => fits(prefix, name))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    if (table === undefined) return [{ location, insecure: false, mirror: false }];
    if (table.blocked) {
      throw new BerthError('REGISTRIES_INVALID', {
        what: name,
        why: `registries.conf forbids what begins with ${table.prefix}`,
        mend: 'See [[registry]] with blocked = true in /etc/containers/registries.conf and registries.conf.d.',
      });
    }
    const mirrors = table.mirrors.filter(({ use }) => use === 'all' || (use === 'digest-only') === byDigest);
    return [
      ...mirrors.map(({ location: place, insecure }) => ({
        location: moved(name, table.prefix, place),
        insecure,
        mirror: true,
      })),
      { location: moved(name, table.prefix, table.location), insecure: table.insecure, mirror: false },
    ];
  }
}

/** `*.example.com` is for every host below that domain, other prefixes for a host or what begins a path. */
function fits(prefix: string, name: string): boolean {
  if (!prefix.startsWith('*.')) return name === prefix || name.startsWith(`${prefix}/`);
  return name.slice(0, name.indexOf('/')).replace(/:\d+$/, '').endsWith(prefix.slice(1));
}

function moved(name: string, prefix: string, place: string | undefined): Location {
  // With a wildcard there is no one name to put another in the place of.
  const whole = place === undefined || prefix.startsWith('*.') ? name : place + name.slice(prefix.length);
  const slash = whole.indexOf('/');
  return slash < 0
    ? { registry: whole, repository: '' }
    : { registry: whole.slice(0, slash), repository: whole.slice(slash + 1) };
}
