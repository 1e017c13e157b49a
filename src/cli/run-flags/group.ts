import type { Option } from 'commander';
import type { ContainerOptions } from '../../containerizer/container/options.js';

/** What some flags say of a container; what they leave undefined keeps its default. */
export type Fragment = { [Member in keyof ContainerOptions]?: ContainerOptions[Member] | undefined };

/**
 * Flags that belong together: how they are declared, and what they say. `Given` is what commander makes of them, by their long names in camel case.
 * A group that needs heavy code loads it in `collect`, so that nobody pays for it who gives none of its flags.
 */
export interface FlagGroup<Given extends object = object> {
  /** Its heading in --help and in the reference. */
  title: string;
  flags: Option[];
  collect(given: Given): Fragment | Promise<Fragment>;
}

/** The parser of a flag that may come several times. */
export function repeatable<Value>(
  parse: (text: string) => Value,
): (text: string, earlier: Value[] | undefined) => Value[] {
  return (text, earlier = []) => [...earlier, parse(text)];
}
