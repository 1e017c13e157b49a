import { isDeepStrictEqual } from 'node:util';
import { BerthError } from '../../errors/berth-error.js';
import { readSettings, settingsOf } from '../../settings/read-settings.js';
import { sampleFile } from '../../settings/sample.js';
import type { Settings } from '../../settings/setting.js';
import type { Roots } from '../../state/roots.js';

/** Members of a configuration, as its file has them. */
export type Members = Readonly<Record<string, unknown>>;

/** The configuration file of a daemon that is to be installed. */
export interface ServiceDocuments<Config> {
  /** What is written where there is none. */
  sample(given: Members): string;
  /** What the daemon will be like by that file, or by the sample. Throws where it could not begin, or the file says otherwise than the flags. */
  examine(roots: Roots, file: string | undefined, given: Members): Config;
  /** As far as it can be read. */
  known(roots: Roots, file: string): Config;
}

export function documentsOf<Config>(
  settings: Settings<Config>,
  defaults: (roots: Roots) => Config,
  check: (config: Config) => void,
): ServiceDocuments<Config> {
  const sample = (given: Members) => sampleFile(settings, given);
  return {
    sample,
    examine(roots, file, given) {
      const found = file === undefined ? ofSample(settings, sample(given)) : readSettings(file, settings);
      if (file !== undefined) refuseOther(settings, file, found, given);
      const config = { ...defaults(roots), ...found };
      check(config);
      return config;
    },
    known(roots, file) {
      try {
        return { ...defaults(roots), ...readSettings(file, settings) };
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        return defaults(roots);
      }
    },
  };
}

function ofSample<Config>(settings: Settings<Config>, text: string): Partial<Config> {
  const refuse = (why: string) => new BerthError('USAGE', { what: `${settings.daemon} install`, why });
  return settingsOf(text, settings, refuse, () => 0o600, '');
}

/** A flag that is passed over would be believed. */
function refuseOther<Config>(
  { daemon, members }: Settings<Config>,
  file: string,
  found: Partial<Config>,
  given: Members,
): void {
  for (const { name, flag, take } of members) {
    if (!Object.hasOwn(given, name)) continue;
    const wanted = take(given[name]);
    if (Object.entries(wanted).every(([key, value]) => isDeepStrictEqual(found[key as keyof Config], value)))
      continue;
    throw new BerthError('USAGE', {
      what: `${daemon} install ${flag ?? name}`,
      why: `${file} is there and does not say so`,
      mend: `Edit ${name} in it, and run berth ${daemon} install again.`,
    });
  }
}
