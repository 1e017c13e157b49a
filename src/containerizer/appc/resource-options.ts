import type { Isolator } from '../../appc-spec/isolators.js';
import { thousandths, wholeUnits } from '../../appc-spec/quantity.js';
import type { ContainerOptions } from '../container/options.js';
import type { Report } from './app-options.js';

/** `resource/cpu` and `resource/memory` (ace.md), with the two of the specification's own code that are like them. A flag of the caller's goes before each. */
export function resourceOptions(
  isolators: readonly Isolator[],
  given: ContainerOptions,
  report: Report,
): Partial<ContainerOptions> {
  const found: Partial<ContainerOptions> = {};
  for (const each of isolators) {
    if (each.name === 'resource/cpu') {
      if (each.limit !== undefined && given.cpus === undefined && given.cpuQuota === undefined)
        found.cpus = thousandths(each.limit);
      if (each.request !== undefined && given.cpuShares === undefined)
        found.cpuShares = shares(thousandths(each.request));
    }
    if (each.name === 'resource/memory') {
      if (each.limit !== undefined && given.memory === undefined) found.memory = wholeUnits(each.limit);
      if (each.request !== undefined && given.memoryReservation === undefined)
        found.memoryReservation = wholeUnits(each.request);
    }
    if (each.name === 'os/linux/cpu-shares' && given.cpuShares === undefined) found.cpuShares = each.amount;
    if (each.name === 'os/linux/oom-score-adj' && given.oomScoreAdj === undefined) {
      if (each.amount >= 0) found.oomScoreAdj = each.amount;
      else
        report(
          'isolator os/linux/oom-score-adj is not enforced: only its starter can spare an app, see --oom-score-adj',
        );
    }
  }
  return found;
}

/** A weight: 1024 for one core (cgroups-v1/cpu), in the range that the kernel takes. */
function shares(cores: number): number {
  return Math.min(262_144, Math.max(2, Math.round(cores * 1024)));
}
