import type { BerthEvent } from './event.js';

/** The keys that events are chosen by; of several values for one key any will do, and every key must fit. */
export const filterKeys = ['type', 'event', 'container', 'image', 'volume', 'network'] as const;
export type FilterKey = (typeof filterKeys)[number];
export type Filters = Partial<Record<FilterKey, string[]>>;

export interface EventSelection {
  /** RFC 3339 with nanoseconds, in UTC, both ends included. Without `since` only what is yet to come. */
  since?: string;
  until?: string;
  filters: Filters;
}

export function isWanted(event: BerthEvent, { since, until, filters }: EventSelection): boolean {
  if ((since !== undefined && event.time < since) || (until !== undefined && event.time > until))
    return false;
  return filterKeys.every((key) => filters[key]?.some((value) => fits(event, key, value)) ?? true);
}

function fits(event: BerthEvent, key: FilterKey, value: string): boolean {
  switch (key) {
    case 'type':
      return event.type === value;
    case 'event':
      return event.action === value;
    case 'image':
      // The name without its tag means all of them.
      return [event.image, event.type === 'image' ? event.id : null].some(
        (each) => each === value || (each?.startsWith(`${value}:`) ?? false),
      );
    case 'container':
      return event.type === key && (event.name === value || event.id.startsWith(value));
    default:
      return event.type === key && event.name === value;
  }
}
