import { InvalidArgumentError, Option } from 'commander';
import {
  type ContainerFilters,
  containerFilterKeys,
  containerStates,
} from '../containerizer/container/selection.js';

/** `--filter`, for verbs that choose among containers. */
export function containerFilter(): Option {
  return new Option(
    '-f, --filter <key=value>',
    `${containerFilterKeys.join(', ')}; several times; with status or exited also those that do not run`,
  ).argParser(collect);
}

function collect(text: string, before: ContainerFilters | undefined): ContainerFilters {
  const equals = text.indexOf('=');
  const key = containerFilterKeys.find((each) => each === text.slice(0, equals));
  const value = text.slice(equals + 1);
  if (equals < 0 || key === undefined)
    throw new InvalidArgumentError(`It is KEY=VALUE, KEY one of ${containerFilterKeys.join(', ')}.`);
  if (key === 'status' && !(containerStates as readonly string[]).includes(value))
    throw new InvalidArgumentError(`A status is one of ${containerStates.join(', ')}.`);
  if (key === 'exited' && !/^\d{1,3}$/.test(value))
    throw new InvalidArgumentError('exited is the status that it has ended with.');
  if (key === 'name' && !isPattern(value)) throw new InvalidArgumentError('name is a regular expression.');
  return { ...before, [key]: [...(before?.[key] ?? []), value] };
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
