import type { CgroupLayout } from './cgroup-layout.js';
import { type Check, missing, ok } from './check.js';
import type { HostView } from './host-view.js';
import { systemdSockets } from './systemd-scope.js';

/** What having systemd make the scope takes, on hosts where containers live in one. */
export function checkScope({ scope }: CgroupLayout, host: HostView): Check[] {
  const name = 'systemd scope';
  if (scope === null) return [];
  if (host.exists(scope)) return [ok(name, `${scope} is there`)];
  if (!host.program('systemd-run')) {
    const detail =
      'systemd manages the cgroups, and systemd-run, which has it make a scope, is not installed';
    return [missing(name, detail, 'Install the package systemd of this distribution.')];
  }
  if (!systemdSockets.some((socket) => host.exists(socket))) {
    const detail = `systemd manages the cgroups, and cannot be asked: there is no ${systemdSockets.join(' and no ')}`;
    return [
      missing(name, detail, "Run berth on the host itself, or where the host's /run/systemd is visible."),
    ];
  }
  return [ok(name, `${scope} is made when a container starts`)];
}
