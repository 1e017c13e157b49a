import { BerthError } from '../../errors/berth-error.js';
import { environmentSettings } from '../../settings/read-settings.js';
import type { Settings } from '../../settings/setting.js';

export interface Given<Config> {
  defaults: Config;
  /** Of the file, if there is one. */
  file: Partial<Config>;
  flags: Partial<Config>;
}

/** What a daemon is to be like: a flag goes before the environment, that before the file, and that before what holds anyway. */
export function configured<Config>(
  settings: Settings<Config>,
  { defaults, file, flags }: Given<Config>,
): Config {
  return { ...defaults, ...file, ...environmentSettings(settings, process.env), ...flags };
}

/** The answer to `--check`. */
export function checked(daemon: string, file: string | undefined): string {
  if (file === undefined)
    throw new BerthError('USAGE', {
      what: `${daemon} --check`,
      why: 'there is no file to look at',
      mend: `Use berth ${daemon} --config FILE --check.`,
    });
  return `${file} can be understood.\n`;
}
