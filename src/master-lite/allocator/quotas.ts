import type { Resources } from '../../mesos/resources/resources.js';
import type { ShareTree } from './share-tree.js';

/** Thousandths by name of a scalar resource. */
export type Quantities = ReadonlyMap<string, number>;

export interface Quota {
  guarantees: Quantities;
  limits: Quantities;
}

/** The most and the least that roles are to have. */
export class Quotas {
  private readonly byRole = new Map<string, Quota>();

  constructor(private readonly tree: ShareTree) {}

  set(role: string, quota: Quota): void {
    if (quota.guarantees.size === 0 && quota.limits.size === 0) this.byRole.delete(role);
    else this.byRole.set(role, quota);
  }

  get all(): ReadonlyMap<string, Quota> {
    return this.byRole;
  }

  get haveGuarantees(): boolean {
    for (const { guarantees } of this.byRole.values()) if (guarantees.size > 0) return true;
    return false;
  }

  /** Whether a role, or one above it, has less than it is guaranteed. */
  lacks(role: string): boolean {
    return lineOf(role).some((each) => {
      for (const [name, amount] of this.byRole.get(each)?.guarantees ?? [])
        if (this.tree.allocatedTo(each, name) < amount) return true;
      return false;
    });
  }

  /** What of it a role may still have: what is reserved to it in full, the rest up to the limits of the role and of those above it. */
  within(role: string, resources: Resources): Resources {
    const room = new Map<string, number>();
    for (const each of lineOf(role))
      for (const [name, amount] of this.byRole.get(each)?.limits ?? []) {
        const left = Math.max(0, amount - this.tree.allocatedTo(each, name));
        room.set(name, Math.min(room.get(name) ?? Number.POSITIVE_INFINITY, left));
      }
    return room.size === 0 ? resources : resources.capped(room);
  }
}

/** `a/b/c`: a, a/b, a/b/c. */
function lineOf(role: string): string[] {
  const parts = role.split('/');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
