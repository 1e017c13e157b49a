import type { FrameworkInfo, FrameworkInfoCapabilityType } from '../../mesos/messages.js';
import type { Identity } from '../../mesos/resources/identity.js';
import type { Resources } from '../../mesos/resources/resources.js';

/** What a framework can be given, from its FrameworkInfo. */
export interface Suitability {
  capabilities: ReadonlySet<FrameworkInfoCapabilityType>;
  /** By role: amounts in thousandths, one set of which an offer must reach. */
  least: ReadonlyMap<string, readonly ReadonlyMap<string, number>[]>;
}

/** An offer has at least so much of one of these, as the reference has it: 0.01 CPUs or 32 MB. */
const leastOffer: readonly ReadonlyMap<string, number>[] = [
  new Map([['cpus', 10]]),
  new Map([['mem', 32_000]]),
];

export function suitabilityOf(info: FrameworkInfo): Suitability {
  const least = Object.entries(info.offer_filters ?? {}).flatMap(([role, { min_allocatable_resources }]) => {
    const sets = min_allocatable_resources?.quantities?.map(
      ({ quantities = {} }) =>
        new Map(Object.entries(quantities).map(([name, { value }]) => [name, Math.round(value * 1000)])),
    );
    return sets === undefined ? [] : ([[role, sets]] as const);
  });
  return {
    capabilities: new Set(
      (info.capabilities ?? []).flatMap(({ type }) => (type === undefined ? [] : [type])),
    ),
    least: new Map(least),
  };
}

/** The part of an agent's free resources that a framework may have in a role. */
export function suitable(free: Resources, { capabilities }: Suitability, role: string): Resources {
  const fits = (identity: Identity) =>
    (identity.revocable === undefined || capabilities.has('REVOCABLE_RESOURCES')) &&
    (identity.shared === undefined || capabilities.has('SHARED_RESOURCES')) &&
    ((identity.reservations?.length ?? 0) < 2 || capabilities.has('RESERVATION_REFINEMENT'));
  return free.fitting(role).filter(fits);
}

/** Whether it is worth an offer. */
export function isEnough(resources: Resources, { least }: Suitability, role: string): boolean {
  const sets = least.get(role) ?? leastOffer;
  if (sets.length === 0) return !resources.isEmpty;
  return sets.some((set) => {
    for (const [name, amount] of set) if (resources.scalar(name) < amount) return false;
    return true;
  });
}
