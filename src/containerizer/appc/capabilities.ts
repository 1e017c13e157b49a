import type { Isolator } from '../../appc-spec/isolators.js';
import { defaultCapabilities } from '../container/describe/defaults.js';
import type { ContainerOptions } from '../container/options.js';
import type { Report } from './app-options.js';

/** What an app has that says nothing of capabilities (ace.md, "os/linux/capabilities-remove-set"). */
const usual: readonly string[] = [
  ...[
    'CAP_AUDIT_WRITE',
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FSETID',
    'CAP_FOWNER',
    'CAP_KILL',
    'CAP_MKNOD',
  ],
  ...['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETFCAP'],
  'CAP_SYS_CHROOT',
];

/** The isolators as changes of berth's own default; the caller's flags go before them. */
export function appCapabilities(
  isolators: readonly Isolator[],
  { capAdd, capDrop, privileged }: ContainerOptions,
  report: Report,
): Pick<ContainerOptions, 'capAdd' | 'capDrop'> {
  if (privileged) return { capAdd, capDrop };
  const added = new Set(capAdd.map(canonical));
  const dropped = new Set(capDrop.map(canonical));
  const wanted = new Set(wantedOf(isolators));
  const beyond = [...wanted].filter(
    (name) => !usual.includes(name) && !added.has(name) && !added.has('CAP_ALL'),
  );
  for (const name of beyond) wanted.delete(name);
  if (beyond.length > 0) {
    report(
      `isolator os/linux/capabilities-retain-set is modified: ${beyond.join(', ')} only with --cap-add, since an image cannot give itself more than the usual`,
    );
  }
  // ALL is the caller's word for the whole set, from which theirs alone is added or taken.
  if (added.has('CAP_ALL') || dropped.has('CAP_ALL')) return { capAdd, capDrop };
  const less = defaultCapabilities.filter((name) => !wanted.has(name) && !added.has(name));
  const more = [...wanted].filter((name) => !defaultCapabilities.includes(name) && !dropped.has(name));
  return { capAdd: [...more, ...capAdd], capDrop: [...less, ...capDrop] };
}

/** Several isolators narrow the set one after the other. */
function wantedOf(isolators: readonly Isolator[]): readonly string[] {
  let wanted: readonly string[] | undefined;
  for (const each of isolators) {
    if (each.name === 'os/linux/capabilities-retain-set') {
      const set = each.set.map(canonical);
      wanted = wanted === undefined ? set : wanted.filter((name) => set.includes(name));
    }
    if (each.name === 'os/linux/capabilities-remove-set') {
      const set = each.set.map(canonical);
      wanted = (wanted ?? usual).filter((name) => !set.includes(name));
    }
  }
  return wanted ?? usual;
}

const canonical = (name: string) => {
  const upper = name.toUpperCase();
  return upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
};
