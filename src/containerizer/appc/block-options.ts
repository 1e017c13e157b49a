import type { Isolator } from '../../appc-spec/isolators.js';
import { wholeUnits } from '../../appc-spec/quantity.js';
import { hasController, layoutOfHost } from '../container/cgroup-places.js';
import type { IoLimit } from '../container/limits.js';
import type { ContainerOptions } from '../container/options.js';
import { limitedDisks } from '../host/block-device.js';
import type { Report } from './app-options.js';

/** `resource/block-bandwidth` and `resource/block-iops` (ace.md): they hold for every disk of this host. Limits of the caller's go before them. */
export function blockOptions(
  isolators: readonly Isolator[],
  given: ContainerOptions,
  report: Report,
): Pick<ContainerOptions, 'io'> {
  const rates: Omit<IoLimit, 'device'> = {};
  const stated: string[] = [];
  for (const each of isolators) {
    if (each.name !== 'resource/block-bandwidth' && each.name !== 'resource/block-iops') continue;
    stated.push(each.name);
    const limit = wholeUnits(each.limit);
    if (each.name === 'resource/block-bandwidth') Object.assign(rates, { rbps: limit, wbps: limit });
    else Object.assign(rates, { riops: limit, wiops: limit });
  }
  if (stated.length === 0 || given.io !== undefined) return {};
  const layout = layoutOfHost();
  const disks = hasController(layout, 'io') || hasController(layout, 'blkio') ? limitedDisks() : [];
  if (disks.length === 0) {
    for (const name of stated)
      report(`isolator ${name} is not enforced: this host has no disk that could be limited`);
    return {};
  }
  return { io: disks.map((device) => ({ device, ...rates })) };
}
