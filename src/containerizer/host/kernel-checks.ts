import type { NativeError, ProbeName, ProbeOutcome } from '../../native/index.js';
import { type Check, missing, ok, warn } from './check.js';

/** What each probe is for, and how to mend its lack. `optional`: `berth run` works without it. */
interface Need {
  use: string;
  mend: string;
  optional?: boolean;
}

const newer = (version: string) => `Boot Linux ${version} or newer (6.1 is berth's floor).`;
const configured = (option: string) => `Boot a kernel with ${option}=y.`;

const needs: Record<ProbeName, Need> = {
  clone3: { use: 'starting containers', mend: newer('5.3') },
  'namespace user': { use: 'ids of their own', mend: 'Raise user.max_user_namespaces with sysctl -w.' },
  'namespace mount': {
    use: 'a file system of their own',
    mend: 'Raise user.max_mnt_namespaces with sysctl -w.',
  },
  'namespace pid': { use: 'processes of their own', mend: configured('CONFIG_PID_NS') },
  'namespace net': { use: 'networks of their own', mend: configured('CONFIG_NET_NS') },
  'namespace ipc': { use: 'System V and POSIX objects of their own', mend: configured('CONFIG_IPC_NS') },
  'namespace uts': { use: 'host names of their own', mend: configured('CONFIG_UTS_NS') },
  'namespace cgroup': { use: 'a view of their own cgroup alone', mend: configured('CONFIG_CGROUPS') },
  'namespace time': { use: 'clocks of their own', mend: configured('CONFIG_TIME_NS'), optional: true },
  pidfd: { use: 'watching and signalling processes', mend: newer('5.4') },
  openat2: { use: 'staying inside an image while unpacking', mend: newer('5.6') },
  'mount api': { use: 'building root file systems', mend: newer('5.2') },
  mount_setattr: { use: 'read-only and id-mapped mounts', mend: newer('5.12') },
  seccomp: { use: 'filtering system calls', mend: configured('CONFIG_SECCOMP_FILTER') },
  'memfd exec': { use: 'a sealed supervisor', mend: 'Allow it with sysctl -w vm.memfd_noexec=1.' },
  bridges: {
    use: '--network bridge and networks by name',
    mend: 'Load the modules with modprobe -a bridge veth, or use --network host.',
    optional: true,
  },
  'packet filter': {
    use: 'leading networks outside and publishing ports',
    mend: 'Load the modules with modprobe -a nf_tables nft_chain_nat nft_masq nft_fib_inet, or use --network host.',
    optional: true,
  },
  'clone into cgroup': { use: 'starting inside the limits', mend: newer('5.7') },
  idmap: {
    use: 'sharing layers between containers',
    mend: 'Put --root on ext4, xfs or btrfs, or on tmpfs with Linux 6.3 or newer.',
  },
  overlay: {
    use: 'layers below a writable one',
    mend: 'Load the module with modprobe overlay, and put --root on ext4 or xfs.',
  },
  'idmapped overlay': { use: 'shared layers below a writable one', mend: newer('5.19') },
  'layer images': {
    use: 'layers that are one file each (berth image layers erofs); without it they become folders',
    mend: 'Boot Linux 6.12 or newer with CONFIG_EROFS_FS_BACKED_BY_FILE=y, and put --root on ext4, xfs or btrfs.',
    optional: true,
  },
};

/** One check for each probe. `untried`: why probes that failed for want of privilege say nothing of the kernel. */
export function checkKernel(outcomes: readonly ProbeOutcome[], privileged: boolean): Check[] {
  return outcomes.map(({ name, failure }) => {
    const { use, mend, optional } = needs[name];
    if (failure === null) return ok(name, `for ${use}`);
    if (!privileged && isRefusal(failure))
      return warn(name, `could not be tried without root (${failure.code})`, null);
    const detail = `needed for ${use}, but ${failure.syscall ?? name} fails with ${failure.code}`;
    return optional === true ? warn(name, detail, mend) : missing(name, detail, mend);
  });
}

function isRefusal(failure: NativeError): boolean {
  return failure.code === 'EPERM' || failure.code === 'EACCES';
}
