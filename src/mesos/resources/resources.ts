import type { Resource } from '../messages.js';
import { type Amount, amountMembers, amountOf, covers, isNothing, minus, plus } from './amount.js';
import { fitsRole, type Identity, identityOf, isWhole, keyOf, reservedRole } from './identity.js';

/** How resources are written into a message for one reader. */
export interface ResourceForm {
  /** With `reservations` (frameworks that know refined reservations); else with `role` and `reservation`. */
  refined: boolean;
  /** The role they are allocated to, for readers that have several; undefined leaves `allocation_info` out. */
  allocatedTo?: string | undefined;
}

interface Entry {
  readonly identity: Identity;
  readonly amount: Amount;
}

/** A bag of resources. `add` and `subtract` change it; entries are shared between bags and never changed. */
export class Resources {
  private readonly entries = new Map<string, Entry>();

  static of(list: readonly Resource[]): Resources {
    const resources = new Resources();
    for (const resource of list) {
      const identity = identityOf(resource);
      resources.put(keyOf(identity), identity, amountOf(resource));
    }
    return resources;
  }

  static sum(parts: Iterable<Resources>): Resources {
    const total = new Resources();
    for (const part of parts) total.add(part);
    return total;
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  clone(): Resources {
    const copy = new Resources();
    for (const [key, entry] of this.entries) copy.entries.set(key, entry);
    return copy;
  }

  add(other: Resources): this {
    for (const [key, { identity, amount }] of other.entries) this.put(key, identity, amount);
    return this;
  }

  /** What `other` has beyond this is passed over: ask `contains` first. */
  subtract(other: Resources): this {
    for (const [key, { amount }] of other.entries) {
      const own = this.entries.get(key);
      if (own === undefined) continue;
      const left = minus(own.amount, amount);
      if (isNothing(left)) this.entries.delete(key);
      else this.entries.set(key, { identity: own.identity, amount: left });
    }
    return this;
  }

  contains(other: Resources): boolean {
    for (const [key, { amount }] of other.entries) {
      const own = this.entries.get(key);
      if (own === undefined || !covers(own.amount, amount)) return false;
      // A volume has its content: a part of it is not a smaller volume.
      if (isWhole(own.identity) && !covers(amount, own.amount)) return false;
    }
    return true;
  }

  equals(other: Resources): boolean {
    return this.contains(other) && other.contains(this);
  }

  filter(wanted: (identity: Identity) => boolean): Resources {
    const result = new Resources();
    for (const [key, entry] of this.entries) if (wanted(entry.identity)) result.entries.set(key, entry);
    return result;
  }

  /** What may be allocated to a role. */
  fitting(role: string): Resources {
    return this.filter((identity) => fitsRole(identity, role));
  }

  /** With no more of an unreserved scalar than `most` has of its name, in thousandths; what it does not name stays. */
  capped(most: ReadonlyMap<string, number>): Resources {
    const result = new Resources();
    for (const [key, entry] of this.entries) {
      const limit = reservedRole(entry.identity) === undefined ? most.get(entry.identity.name) : undefined;
      if (limit === undefined || entry.amount.kind !== 'SCALAR' || entry.amount.thousandths <= limit)
        result.entries.set(key, entry);
      else result.put(key, entry.identity, { kind: 'SCALAR', thousandths: limit });
    }
    return result;
  }

  get unreserved(): Resources {
    return this.filter((identity) => reservedRole(identity) === undefined);
  }

  get hasReservations(): boolean {
    for (const { identity } of this.entries.values()) if (reservedRole(identity) !== undefined) return true;
    return false;
  }

  /** Thousandths of a scalar of this name, over all its reservations. */
  scalar(name: string): number {
    let total = 0;
    for (const { identity, amount } of this.entries.values())
      if (identity.name === name && amount.kind === 'SCALAR') total += amount.thousandths;
    return total;
  }

  /** Calls back with the name and thousandths of each scalar; a name comes more than once where it is reserved. */
  eachScalar(call: (name: string, thousandths: number) => void): void {
    for (const { identity, amount } of this.entries.values())
      if (amount.kind === 'SCALAR') call(identity.name, amount.thousandths);
  }

  toList(form: ResourceForm = { refined: true }): Resource[] {
    return [...this.entries.values()].map(({ identity, amount }) => ({
      ...described(identity, form.refined),
      ...amountMembers(amount),
      ...(form.allocatedTo !== undefined && { allocation_info: { role: form.allocatedTo } }),
    }));
  }

  /** `cpus:1.5; mem:128; ports:[31000-31000]`, for messages to people. */
  toString(): string {
    return [...this.entries.values()]
      .map(({ identity, amount }) => {
        const role = reservedRole(identity);
        return `${identity.name}${role === undefined ? '' : `(${role})`}:${amountText(amount)}`;
      })
      .join('; ');
  }

  private put(key: string, identity: Identity, amount: Amount): void {
    if (isNothing(amount)) return;
    const own = this.entries.get(key);
    this.entries.set(
      key,
      own === undefined ? { identity, amount } : { identity, amount: plus(own.amount, amount) },
    );
  }
}

export function amountText(amount: Amount): string {
  switch (amount.kind) {
    case 'SCALAR':
      return String(amount.thousandths / 1000);
    case 'RANGES':
      return `[${amount.ranges.map(([begin, end]) => `${begin}-${end}`).join(', ')}]`;
    case 'SET':
      return `{${amount.items.join(', ')}}`;
  }
}

function described(identity: Identity, refined: boolean): Identity & Pick<Resource, 'role' | 'reservation'> {
  if (refined) return identity;
  const { reservations, ...rest } = identity;
  const [only] = reservations ?? [];
  if (only === undefined) return { ...rest, role: '*' };
  if (only.type !== 'DYNAMIC') return { ...rest, role: only.role ?? '*' };
  return {
    ...rest,
    role: only.role ?? '*',
    reservation: {
      ...(only.principal !== undefined && { principal: only.principal }),
      ...(only.labels !== undefined && { labels: only.labels }),
    },
  };
}
