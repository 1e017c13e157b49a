import { type Check, missing, ok, warn } from './check.js';
import type { ReadFile } from './kernel-file.js';

/** Bits of capabilities(7) that a launch cannot do without. */
const needed = {
  ...{ CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, FSETID: 4, KILL: 5, SETGID: 6, SETUID: 7, SETPCAP: 8 },
  ...{ NET_ADMIN: 12, SYS_CHROOT: 18, SYS_ADMIN: 21, SETFCAP: 31 },
} as const;
/** Bits that some flags need, and what for. */
const useful = [
  { name: 'SYS_RESOURCE', bit: 24, use: 'limits above those of this process (--ulimit)' },
  { name: 'SYS_PTRACE', bit: 19, use: 'the I/O figures of containers in ps' },
  { name: 'MKNOD', bit: 27, use: 'devices (--device)' },
] as const;

/** What this process may do: user and effective capabilities (proc_pid_status(5)). */
export function checkPrivileges(read: ReadFile, user: number): Check[] {
  const mend = 'Run berth as root, e.g. with sudo.';
  if (user !== 0) return [missing('root', `this is user ${user}; what needs root could not be tried`, mend)];

  const word = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0';
  const has = (bit: number) => ((BigInt(`0x${word}`) >> BigInt(bit)) & 1n) === 1n;
  const lacking = Object.entries(needed).filter(([, bit]) => !has(bit));
  const names = lacking.map(([name]) => `CAP_${name}`).join(', ');
  return [
    ok('root', 'this is user 0'),
    lacking.length === 0
      ? ok('capabilities', `all ${Object.keys(needed).length} that a launch needs`)
      : missing(
          'capabilities',
          `lacks ${names}`,
          'Give the process or container that berth runs in these capabilities.',
        ),
    ...useful
      .filter(({ bit }) => !has(bit))
      .map(({ name, use }) =>
        warn(`CAP_${name}`, `absent: not to be had are ${use}`, `Give berth CAP_${name} if you need that.`),
      ),
  ];
}
