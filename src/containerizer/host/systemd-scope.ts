import path from 'node:path';

/**
 * Where systemd manages the whole unified hierarchy, cgroups that it was not asked for are in its way, and it in theirs: containers live in one
 * scope that it has delegated (systemd.scope(5); https://systemd.io/CGROUP_DELEGATION, "Delegation"). It is no part of any service or session, so that
 * neither their end nor a restart or a reload touches a container.
 */
export const scopeUnit = 'berth.scope';

/** The agent's service (`berth agent install`), which is stopped before the scope when the host is shut down. */
export const agentUnit = 'berth-agent.service';

/** Beside the services and the sessions of people: "virtual machines and containers" (systemd.special(7)). */
export const scopeSlice = 'machine.slice';

/** Exists while systemd has the unit, from before its cgroup is made. */
export const scopeUnitFile = `/run/systemd/transient/${scopeUnit}`;

/** Exists while systemd runs this host (sd_booted(3)). */
export const systemdRuns = '/run/systemd/system';

/** Where `systemd-run` reaches systemd: directly, or by the message bus. */
export const systemdSockets = ['/run/systemd/private', '/run/dbus/system_bus_socket'];

export function scopeDirectory(unified: string): string {
  return path.join(unified, scopeSlice, scopeUnit);
}
