import type { Isolator } from '../../appc-spec/isolators.js';
import { type Quantity, thousandths, wholeUnits } from '../../appc-spec/quantity.js';
import type { ContainerOptions } from '../container/options.js';

/** What the isolators of a whole pod come to (ace.md, "Isolators"). */
export interface PodLimits {
  /** Settings of the namespaces that the apps share. */
  sysctls: Record<string, string>;
  cpus?: number;
  memory?: number;
}

/** Each app is bound by them; what is not enforced as stated is told. */
export function podLimits(isolators: readonly Isolator[], report: (text: string) => void): PodLimits {
  const limits: PodLimits = { sysctls: {} };
  for (const each of isolators) {
    if (each.name === 'os/unix/sysctl') limits.sysctls = each.settings;
    else if (each.name === 'resource/cpu' || each.name === 'resource/memory') {
      if (each.request !== undefined)
        report(`isolator ${each.name}: the request of a whole pod is not enforced`);
      if (each.limit === undefined) continue;
      report(`isolator ${each.name} is modified: the limit holds for each app, not for all of them together`);
      if (each.name === 'resource/cpu') limits.cpus = thousandths(each.limit);
      else limits.memory = wholeUnits(each.limit);
    } else
      report(
        `isolator ${each.name === 'other' ? each.stated : each.name} is not enforced: it is not known for a whole pod`,
      );
  }
  return limits;
}

/** The limits of one app, which the pod's bound: an app has what is less. */
export function boundBy(
  limits: PodLimits,
  isolators: readonly Isolator[],
): Pick<ContainerOptions, 'cpus' | 'memory'> {
  const own = (name: 'resource/cpu' | 'resource/memory'): Quantity | undefined => {
    const found = isolators.find((each) => each.name === name);
    return found !== undefined && 'limit' in found ? found.limit : undefined;
  };
  const [cpu, memory] = [own('resource/cpu'), own('resource/memory')];
  const cpus = least(limits.cpus, cpu && thousandths(cpu));
  const bytes = least(limits.memory, memory && wholeUnits(memory));
  return { ...(cpus === undefined ? {} : { cpus }), ...(bytes === undefined ? {} : { memory: bytes }) };
}

function least(bound: number | undefined, own: number | undefined): number | undefined {
  return bound === undefined || own === undefined ? (bound ?? own) : Math.min(bound, own);
}
