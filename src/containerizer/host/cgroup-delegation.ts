import type { HostView } from './host-view.js';
import { words } from './kernel-file.js';

/** Whether berth may hand controllers of the v2 hierarchy to cgroups of its own (cgroups(7), "Cgroups delegation"). */
export interface Delegation {
  /** Of those that limits are made of, the ones that containers cannot have. */
  lacking: string[];
  /** How the others come about, or why none does, as one clause. */
  how: string;
  mend: string;
}

const wanted = ['cpu', 'memory', 'pids', 'cpuset', 'io'];

/** Says what would happen, and writes nothing. `unified`: where the hierarchy is mounted; `scope`: systemd's, where it manages it. */
export function assessDelegation(unified: string, scope: string | null, host: HostView): Delegation {
  const { read } = host;
  const top = scope !== null && host.exists(scope) ? scope : unified;
  const present = words(read(`${top}/cgroup.controllers`));
  const without = (available: readonly string[]) => wanted.filter((name) => !available.includes(name));
  if (!host.writable(unified)) {
    return {
      lacking: wanted,
      how: `${unified} is not writable for this user`,
      mend: 'Run berth as root on the host itself, or with the hierarchy mounted read-write.',
    };
  }
  const mend =
    'Have them delegated to this cgroup (for a systemd unit: Delegate=yes), or run berth on the host itself.';
  if (scope !== null)
    return { lacking: without(present), how: 'a scope of systemd with Delegate=yes gives them', mend };

  const enabled = words(read(`${unified}/cgroup.subtree_control`));
  // The root cgroup alone has no cgroup.type, and may hold processes beside children with controllers.
  const isRoot = !host.exists(`${unified}/cgroup.type`);
  if (isRoot || words(read(`${unified}/cgroup.procs`)).length === 0) {
    const all = present.every((name) => enabled.includes(name));
    return {
      lacking: without(present),
      how: all ? 'switched on for children' : 'can be switched on for children',
      mend,
    };
  }
  return {
    // Not even what is switched on: without memory and io those make it a threaded domain, whose children take no process.
    lacking: wanted,
    how: `processes live in ${unified} itself, so its controllers stay off for children`,
    mend: `Run berth on the host itself, or move them: mkdir ${unified}/init, and write each line of ${unified}/cgroup.procs to ${unified}/init/cgroup.procs.`,
  };
}
