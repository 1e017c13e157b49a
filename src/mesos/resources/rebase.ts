import type { Resource } from '../messages.js';
import { reservationsOf } from './identity.js';
import { Resources } from './resources.js';

/**
 * The total of a host that has other resources than before: the reservations and volumes made of the former ones stay, and what they are made of is taken from the new ones. A host that has
 * shrunk below them has nothing else to give until it has grown again.
 */
export function rebased(total: readonly Resource[], configured: readonly Resource[]): Resources {
  const made = total.filter(isMade);
  return Resources.of(configured)
    .subtract(Resources.of(made.map(origin)))
    .add(Resources.of(made));
}

const isDynamic = (resource: Resource): boolean => reservationsOf(resource).at(-1)?.type === 'DYNAMIC';

/** By an operation, not by a configuration. */
function isMade(resource: Resource): boolean {
  return resource.disk?.persistence !== undefined || isDynamic(resource);
}

/** What it was before any operation. */
function origin({ disk, shared: _, ...resource }: Resource): Resource {
  const { role: __, reservation: ___, ...plain } = resource;
  const reservations = [...reservationsOf(resource)];
  while (reservations.at(-1)?.type === 'DYNAMIC') reservations.pop();
  return { ...plain, reservations, ...(disk?.source !== undefined && { disk: { source: disk.source } }) };
}
