import { InvalidArgumentError, Option } from 'commander';
import type { HealthCommand, RestartPolicy } from '../../containerizer/keeping/wishes.js';
import { usageError } from '../report.js';
import type { FlagGroup } from './group.js';
import { duration, wholeNumber } from './quantity.js';

interface Given {
  rm?: true;
  restart?: RestartPolicy;
  healthCmd?: string;
  healthInterval?: number;
  healthTimeout?: number;
  healthRetries?: number;
  healthStartPeriod?: number;
}

/** What becomes of it. */
export const lifecycle: FlagGroup<Given> = {
  title: 'Life',
  flags: [
    new Option('--rm', 'leave nothing of the container once it has ended'),
    restartFlag(),
    new Option(
      '--health-cmd <command>',
      'a command for the shell of the container that tells, by its status, whether it does its work; an agent runs it',
    ),
    new Option('--health-interval <span>', 'from one such look to the next (default: 30s)').argParser(
      duration,
    ),
    new Option('--health-timeout <span>', 'how long it may take (default: 30s)').argParser(duration),
    new Option('--health-retries <number>', 'failures in a row that are too many (default: 3)').argParser(
      wholeNumber(1, 1000, 'It is a number from 1 to 1000.'),
    ),
    new Option(
      '--health-start-period <span>',
      'how long after its start failures count for nothing (default: 0s)',
    ).argParser(duration),
    new Option('--no-healthcheck', 'no such look; one that the image asks for is never taken'),
  ],
  collect: (given) => ({
    remove: given.rm,
    restart: given.restart?.name === 'no' ? undefined : given.restart,
    healthcheck: healthcheck(given),
  }),
};

/** Also of `berth update`. */
export function restartFlag(): Option {
  return new Option(
    '--restart <policy>',
    'when an agent starts it again: no, on-failure[:times], always, unless-stopped (default: no)',
  ).argParser(restartPolicy);
}

function restartPolicy(text: string): RestartPolicy {
  const [, name, times = '0'] =
    /^(no|always|unless-stopped|on-failure(?=$|:))(?::(\d{1,6}))?$/.exec(text) ?? [];
  if (name === undefined || (text.includes(':') && name !== 'on-failure'))
    throw new InvalidArgumentError('It is no, on-failure, on-failure:TIMES, always or unless-stopped.');
  return { name: name as RestartPolicy['name'], maximum_retries: Number(times) };
}

function healthcheck({
  healthCmd,
  healthInterval,
  healthTimeout,
  healthRetries,
  healthStartPeriod,
}: Given): HealthCommand | undefined {
  const details = [healthInterval, healthTimeout, healthRetries, healthStartPeriod];
  if (healthCmd === undefined || healthCmd === '' || healthCmd === 'none') {
    if (details.every((each) => each === undefined)) return undefined;
    throw usageError('--health-…', 'there is no command to run', 'Give one: --health-cmd.');
  }
  return {
    command: healthCmd,
    interval: healthInterval || 30,
    timeout: healthTimeout || 30,
    retries: healthRetries ?? 3,
    start_period: healthStartPeriod ?? 0,
  };
}
