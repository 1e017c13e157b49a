import { InvalidArgumentError, Option } from 'commander';
import { attendSupervisors } from '../../containerizer/container/attend.js';
import type { BerthEvent } from '../../containerizer/events/event.js';
import { followEvents } from '../../containerizer/events/follow.js';
import { type FilterKey, type Filters, filterKeys } from '../../containerizer/events/selection.js';
import { dockerEvent } from '../format/docker-event.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { instant } from '../instant.js';
import { printable } from '../table.js';
import type { Verb } from '../verb.js';

interface Flags {
  since?: string;
  until?: string;
  filter: Filters;
  format?: Format;
}

export const verb: Verb = {
  summary: 'Show what happens to containers, images, volumes and networks',
  example: 'berth events --since 1h --filter type=container --filter event=die',
  declare(command) {
    command
      .addOption(
        new Option(
          '--since <time>',
          'what has happened since, too: RFC 3339, or so long ago: 10m, 1h30m',
        ).argParser(instant),
      )
      .addOption(
        new Option('--until <time>', 'the same, for the end; by default it goes on').argParser(instant),
      )
      .addOption(
        new Option('-f, --filter <key=value>', `${filterKeys.join(', ')}; several times`)
          .argParser(collectFilters)
          .default({}, 'all'),
      )
      .addOption(formatFlag());
  },
  async run({ roots, json, out }, _, given) {
    const { since, until, filter: filters, format } = given as unknown as Flags;
    const selection = {
      filters,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    };
    for await (const event of followEvents(roots, selection, (fail) => attendSupervisors(roots, fail)))
      out(shown(event, json ? 'json' : format));
    return 0;
  },
};

function shown(event: BerthEvent, format: Format | undefined): string {
  if (format === 'json') return `${JSON.stringify(event)}\n`;
  return format === undefined ? forPeople(event) : formatted(format, [dockerEvent(event)]);
}

function forPeople({ time, type, action, id, name, image, attributes }: BerthEvent): string {
  const own = type === 'container' ? { name, image } : type === 'image' ? { name } : {};
  const facts = Object.entries({ ...own, ...attributes })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const shown = type === 'container' ? id.slice(0, 12) : id;
  return `${printable(`${time} ${type} ${action} ${shown}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`)}\n`;
}

function collectFilters(text: string, before: Filters): Filters {
  const [key = '', ...rest] = text.split('=');
  const known = filterKeys.find((each) => each === key);
  if (known === undefined || rest.length === 0)
    throw new InvalidArgumentError(`It is KEY=VALUE, KEY one of ${filterKeys.join(', ')}.`);
  return addTo(before, known, rest.join('='));
}

function addTo(filters: Filters, key: FilterKey, value: string): Filters {
  return { ...filters, [key]: [...(filters[key] ?? []), value] };
}
