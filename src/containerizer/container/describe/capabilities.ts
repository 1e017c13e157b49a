import { BerthError } from '../../../errors/berth-error.js';
import { defaultCapabilities } from './defaults.js';

/** Every capability of Linux 6.18 (capabilities(7)), in the kernel's order. */
const all: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...[
    'LINUX_IMMUTABLE',
    'NET_BIND_SERVICE',
    'NET_BROADCAST',
    'NET_ADMIN',
    'NET_RAW',
    'IPC_LOCK',
    'IPC_OWNER',
  ],
  ...[
    'SYS_MODULE',
    'SYS_RAWIO',
    'SYS_CHROOT',
    'SYS_PTRACE',
    'SYS_PACCT',
    'SYS_ADMIN',
    'SYS_BOOT',
    'SYS_NICE',
  ],
  ...[
    'SYS_RESOURCE',
    'SYS_TIME',
    'SYS_TTY_CONFIG',
    'MKNOD',
    'LEASE',
    'AUDIT_WRITE',
    'AUDIT_CONTROL',
    'SETFCAP',
  ],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** The names of the bits of a mask as /proc/PID/status has it (proc(5), CapPrm). */
export function namesOfMask(mask: bigint): string[] {
  return all.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
}

/** The defaults with `--cap-add` and `--cap-drop` applied as Docker does: `ALL` first, then the named ones; the `CAP_` and the case are free. `every` is what ALL stands for. */
export function capabilitySet(
  add: readonly string[],
  drop: readonly string[],
  every: readonly string[] = all,
): string[] {
  const added = add.map((name) => normalise(name, '--cap-add'));
  const dropped = drop.map((name) => normalise(name, '--cap-drop'));
  const start = dropped.includes('ALL') ? [] : added.includes('ALL') ? every : defaultCapabilities;
  const kept = new Set([...start, ...added]);
  if (dropped.includes('ALL') && added.includes('ALL')) for (const name of every) kept.add(name);
  for (const name of dropped) kept.delete(name);
  return all.filter((name) => kept.has(name));
}

function normalise(name: string, flag: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL') return upper;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (all.includes(full)) return full;
  throw new BerthError('USAGE', {
    what: `${flag} ${name}`,
    why: 'no such capability',
    mend: 'See capabilities(7) for their names; the CAP_ in front may be left out.',
  });
}
