import { listContainers, shownState } from '../../containerizer/container/catalogue.js';
import { hostInfo } from '../../containerizer/host/host-info.js';
import { readNames } from '../../containerizer/image/names.js';
import { listNetworks } from '../../containerizer/network/store.js';
import { listVolumes } from '../../containerizer/volume/store.js';
import { bytes, duration } from '../../inspect/quantity.js';
import { type Roots, rootHash } from '../../state/roots.js';
import { version } from '../../version.js';
import { dockerInfo } from '../format/docker-info.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { report } from '../report.js';
import { printable } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show this host and what this installation has on it',
  example: 'berth info --json',
  declare(command) {
    command.addOption(formatFlag('-f, --format <template>'));
  },
  run({ roots, json, out }, _, given) {
    const { format } = given as { format?: Format };
    const info = { ...hostInfo(roots), ...installation(roots) };
    if (json || format === 'json') out(`${JSON.stringify(info)}\n`);
    else out(format === undefined ? forPeople(info) : formatted(format, [dockerInfo(info)]));
    return 0;
  },
};

function installation(roots: Roots) {
  const containers = { total: 0, running: 0, paused: 0, created: 0, exited: 0, lost: 0 };
  for (const container of listContainers(roots, (damage) => report(damage, 'info'))) {
    containers.total++;
    containers[shownState(container)]++;
  }
  return {
    versions: { berth: version, node: process.versions.node },
    containers,
    images: Object.keys(readNames(roots).images).length,
    networks: listNetworks(roots).length,
    volumes: listVolumes(roots).length,
    root_hash: rootHash(roots),
  };
}

export type Info = ReturnType<typeof hostInfo> & ReturnType<typeof installation>;

function forPeople({ host, cgroup, storage, versions, containers, ...own }: Info): string {
  const states = Object.entries(containers)
    .filter(([state, count]) => state !== 'total' && count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const lines: [string, string][] = [
    ['Host', `${host.name}, up ${duration(host.uptime_seconds)}`],
    ['Kernel', `Linux ${host.kernel} (${host.architecture})`],
    ['System', host.os ?? 'unknown'],
    ['CPUs', String(host.cpus)],
    ['Memory', bytes(host.memory)],
    ['Cgroups', `${cgroup.layout}, ${cgroup.manager === 'systemd' ? 'managed by systemd' : 'not managed'}`],
    ['Controllers', cgroup.controllers.map(({ name, hierarchy }) => `${name} ${hierarchy}`).join(', ')],
    [
      'Root',
      `${storage.root} (${storage.file_system ?? 'unknown'}, ${bytes(storage.free)} of ${bytes(storage.size)} free)`,
    ],
    ['State', storage.state],
    ['Mark', `berth-${own.root_hash}`],
    ['Containers', `${containers.total}${states.length === 0 ? '' : `: ${states.join(', ')}`}`],
    ['Images', String(own.images)],
    ['Volumes', String(own.volumes)],
    ['Networks', String(own.networks)],
    ['Versions', `berth ${versions.berth}, node ${versions.node}`],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${printable(text)}\n`).join('');
}
