import { type ReadFile, words } from './kernel-file.js';

/** Whether berth may hand controllers of the v2 hierarchy to cgroups of its own (cgroups(7), "Cgroups delegation"). */
export interface Delegation {
  /** Controllers that containers can have. */
  available: string[];
  /** Of `wanted`, those that they cannot have. */
  lacking: string[];
  /** How the available ones come about, as one clause. */
  how: string;
}

export interface DelegationFacts {
  /** Mount point of the v2 hierarchy. */
  unified: string;
  wanted: readonly string[];
  /** May this process write there (root, mounted read-write)? */
  writable: boolean;
  /** Does systemd own the hierarchy (sd_booted(3): /run/systemd/system is there)? */
  systemd: boolean;
  read: ReadFile;
}

/** Says what would happen, and writes nothing. */
export function assessDelegation(facts: DelegationFacts): Delegation {
  const { unified, read } = facts;
  const present = words(read(`${unified}/cgroup.controllers`));
  const enabled = words(read(`${unified}/cgroup.subtree_control`));
  // The root cgroup alone has no cgroup.type, and may hold processes beside children with controllers.
  const isRoot = read(`${unified}/cgroup.type`) === null;
  const hasProcesses = words(read(`${unified}/cgroup.procs`)).length > 0;

  const mayEnable = facts.writable && (isRoot || !hasProcesses);
  const available = mayEnable ? present : facts.writable ? enabled : [];
  return {
    available,
    lacking: facts.wanted.filter((name) => !available.includes(name)),
    how: reason(),
  };

  function reason(): string {
    if (!facts.writable) return `${unified} is not writable for this user`;
    if (!mayEnable) return `processes live in ${unified} itself, so its controllers stay off for children`;
    if (facts.systemd) return 'a scope of systemd with Delegate=yes gives them';
    return enabled.length > 0 ? 'switched on for children' : 'can be switched on for children';
  }
}
