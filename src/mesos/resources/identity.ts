import type { Resource, ResourceReservationInfo } from '../messages.js';

/**
 * A resource without its amount and without whom it is allocated to, reservations in the refined form: what has to be equal for two amounts to
 * be added up.
 */
export type Identity = Pick<
  Resource,
  'name' | 'type' | 'reservations' | 'disk' | 'revocable' | 'shared' | 'provider_id'
>;

export function identityOf(resource: Resource): Identity {
  const reservations = reservationsOf(resource);
  return {
    name: resource.name,
    type: resource.type,
    ...(reservations.length > 0 && { reservations }),
    ...(resource.disk !== undefined && { disk: resource.disk }),
    ...(resource.revocable !== undefined && { revocable: {} }),
    ...(resource.shared !== undefined && { shared: {} }),
    ...(resource.provider_id !== undefined && { provider_id: resource.provider_id }),
  };
}

/** Outermost first. Either form is taken: `reservations`, or `role` with or without `reservation` (before refinement). */
export function reservationsOf(resource: Resource): ResourceReservationInfo[] {
  if (resource.reservations !== undefined && resource.reservations.length > 0) return resource.reservations;
  const role = resource.role ?? '*';
  if (role === '*') return [];
  const { reservation } = resource;
  return [
    reservation === undefined
      ? { type: 'STATIC', role }
      : {
          type: 'DYNAMIC',
          role,
          ...(reservation.principal !== undefined && { principal: reservation.principal }),
          ...(reservation.labels !== undefined && { labels: reservation.labels }),
        },
  ];
}

/** The role a resource is reserved to; undefined: to none. */
export function reservedRole(identity: Pick<Identity, 'reservations'>): string | undefined {
  return identity.reservations?.at(-1)?.role;
}

/** Whether a role may have it: unreserved, reserved to it, or to a role above it. */
export function fitsRole(identity: Identity, role: string): boolean {
  const reserved = reservedRole(identity);
  return reserved === undefined || reserved === role || role.startsWith(`${reserved}/`);
}

/** Can be had in full only: persistent volumes, and disks that are mounts of their own. */
export function isWhole({ disk }: Identity): boolean {
  return disk?.persistence !== undefined || disk?.source?.type === 'MOUNT' || disk?.source?.type === 'BLOCK';
}

/** Equal for equal identities. Most resources are plain: their key is their name. */
export function keyOf(identity: Identity): string {
  const { name, type, reservations, disk, revocable, shared, provider_id } = identity;
  if (
    type === (name === 'ports' ? 'RANGES' : 'SCALAR') &&
    reservations === undefined &&
    disk === undefined &&
    revocable === undefined &&
    shared === undefined &&
    provider_id === undefined
  )
    return name;
  return JSON.stringify([
    name,
    type,
    reservations?.map((r) => [r.type, r.role, r.principal, r.labels?.labels?.map((l) => [l.key, l.value])]),
    disk === undefined ? undefined : sorted(disk),
    revocable !== undefined,
    shared !== undefined,
    provider_id?.value,
  ]);
}

/** Members in one order, whatever order they came in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}
