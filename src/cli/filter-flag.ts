import { InvalidArgumentError, Option } from 'commander';
import type { Filters } from '../containerizer/filters.js';

/** `--filter KEY=VALUE`, several times. `why` tells what is wrong with a value; a `name` is a regular expression everywhere. */
export function filterFlag<Key extends string>(
  keys: readonly Key[],
  why: (key: Key, value: string) => string | undefined = () => undefined,
  more = '',
): Option {
  const listed = keys.join(', ');
  return new Option('-f, --filter <key=value>', `${listed}; several times${more}`).argParser(
    (text: string, before: Filters<Key> | undefined): Filters<Key> => {
      const equals = text.indexOf('=');
      const key = keys.find((each) => each === text.slice(0, equals));
      const value = text.slice(equals + 1);
      if (equals < 0 || key === undefined)
        throw new InvalidArgumentError(`It is KEY=VALUE, KEY one of ${listed}.`);
      const wrong = key === 'name' && !isPattern(value) ? 'name is a regular expression.' : why(key, value);
      if (wrong !== undefined) throw new InvalidArgumentError(wrong);
      return { ...before, [key]: [...(before?.[key] ?? []), value] } as Filters<Key>;
    },
  );
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
