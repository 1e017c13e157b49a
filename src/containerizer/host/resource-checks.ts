import { type Check, missing, ok, warn } from './check.js';
import { closestExisting, type HostView } from './host-view.js';
import type { ReadFile } from './kernel-file.js';

/** Below this, the next image may not fit. */
const roomyBytes = 2 * 1024 ** 3;
/** An image has some ten thousand files. */
const roomyInodes = 100_000;
/** State of a container is some tens of kB. */
const stateBytes = 16 * 1024 ** 2;

/** Space where images and containers' files go. */
export function checkRootSpace(root: string, host: HostView): Check[] {
  const { freeBytes, inodes, freeInodes } = host.space(closestExisting(host, root));
  const mend = `Free space there, or choose another --root.`;
  const space = `${human(freeBytes)} free at ${root}`;
  const counted = `${freeInodes} of ${inodes} inodes free at ${root}`;
  return [
    freeBytes >= roomyBytes ? ok('disk of --root', space) : warn('disk of --root', space, mend),
    // btrfs and others make inodes as they need them, and report none.
    freeInodes >= roomyInodes || inodes === 0
      ? ok('inodes of --root', inodes === 0 ? 'made as needed' : counted)
      : warn('inodes of --root', counted, mend),
  ];
}

export function checkStateSpace(state: string, host: HostView): Check {
  const { freeBytes } = host.space(closestExisting(host, state));
  const detail = `${human(freeBytes)} free at ${state}`;
  if (freeBytes < stateBytes)
    return warn('disk of --state', detail, 'Free space there, or choose another --state.');
  return ok('disk of --state', detail);
}

/** What the figures of `ps` and `top` come from; berth never changes a setting of the host unasked. */
export function checkAccounting(read: ReadFile): Check[] {
  const delays = read('/proc/sys/kernel/task_delayacct')?.trim();
  const pressure = ['cpu', 'memory', 'io'].filter((kind) => read(`/proc/pressure/${kind}`) === null);
  return [
    delays === '1'
      ? ok('delay accounting', 'kernel.task_delayacct is 1')
      : warn(
          'delay accounting',
          `kernel.task_delayacct is ${delays ?? 'absent'}: ps cannot tell waits for block I/O`,
          'Switch it on with sysctl -w kernel.task_delayacct=1.',
        ),
    pressure.length === 0
      ? ok('pressure (PSI)', '/proc/pressure has cpu, memory and io')
      : warn(
          'pressure (PSI)',
          `/proc/pressure lacks ${pressure.join(', ')}: ps cannot tell memory stalls`,
          'Boot with psi=1 on the kernel command line.',
        ),
  ];
}

/** A regular file in the place of /dev/null, as careless scripts leave it, would fill up and be shared by containers. */
export function checkDevNull(host: HostView): Check {
  const name = '/dev/null';
  const found = host.characterDevice(name);
  // null(4)
  if (found?.major === 1 && found.minor === 3) return ok(name, 'the null device');
  const mend = 'Make it anew as root: rm -f /dev/null && mknod -m 666 /dev/null c 1 3.';
  return missing(name, found === undefined ? 'absent' : 'not the null device', mend);
}

/** A name server on loopback cannot be reached from a network namespace. */
export function checkNameServers(read: ReadFile): Check {
  const listed = nameServers(read('/etc/resolv.conf'));
  const local = listed.filter((address) => address.startsWith('127.') || address === '::1');
  if (listed.length === 0) {
    return warn('name servers', '/etc/resolv.conf names none', 'Name one there, or use --dns with run.');
  }
  if (local.length < listed.length) return ok('name servers', listed.join(', '));
  const behind = nameServers(read('/run/systemd/resolve/resolv.conf'));
  if (behind.length > 0)
    return ok('name servers', `${behind.join(', ')} (behind the stub ${local.join(', ')})`);
  return warn(
    'name servers',
    `only ${local.join(', ')}, which a container with its own network cannot reach`,
    'Use --network host, or --dns with run.',
  );
}

function nameServers(text: string | null): string[] {
  return [...(text ?? '').matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? '');
}

function human(bytes: number): string {
  const gibibytes = bytes / 1024 ** 3;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
