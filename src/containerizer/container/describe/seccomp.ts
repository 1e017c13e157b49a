import type { Seccomp, SeccompRule } from '../../../oci-spec/runtime.js';

/**
 * The default system call filter: an allow-list. What is on no list here is answered with ENOSYS, as an older kernel would, so that a C library falls
 * back to what it knows; what exists and is withheld is answered with EPERM. Some calls come with the capability that guards them anyway.
 */
export function defaultSeccomp(capabilities: readonly string[]): Seccomp {
  const key = capabilities.join();
  let filter = described.get(key);
  if (filter === undefined) {
    filter = describeFilter(capabilities);
    described.set(key, filter);
  }
  return filter;
}

/** By capability set: an agent describes the same few again and again. */
const described = new Map<string, Seccomp>();

function describeFilter(capabilities: readonly string[]): Seccomp {
  const held = new Set(capabilities);
  const granted = Object.entries(withCapability).filter(([capability]) => held.has(capability));
  const grantedNames = new Set(granted.flatMap(([, names]) => names));
  const withheld = [...new Set(Object.values(withCapability).flat().concat(never))].filter(
    // The two ways to make processes are no mere yes or no: see below.
    (name) => !grantedNames.has(name) && name !== 'clone' && name !== 'clone3',
  );
  const rules: SeccompRule[] = [
    allow([...harmless, ...grantedNames]),
    ...personalities.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
    // By family: AF_VSOCK, for one, reaches the hypervisor past every network namespace. The kernel looks at the lower half of the
    // argument alone, and so must the filter. No socketcall: there the family could not be looked at.
    ...socketFamilies.map((family) =>
      allow(['socket'], [{ index: 0, value: 0xffffffff, valueTwo: family, op: 'SCMP_CMP_MASKED_EQ' }]),
    ),
    { names: withheld, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
  ];
  // clone3 hides its flags in memory that a filter cannot read; without it, C libraries use clone, whose flags it can.
  if (!held.has('CAP_SYS_ADMIN')) {
    rules.push(
      allow(['clone'], [{ index: 0, value: namespaceFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
    );
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    syscalls: rules,
  };
}

const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET */
const namespaceFlags = 0x7e020000;
/** AF_UNIX, INET, INET6, NETLINK, PACKET (address_families(7)). */
const socketFamilies = [1, 2, 10, 16, 17];
/** PER_LINUX, PER_LINUX32, UNAME26, both, and "tell me": execution domains that change nothing dangerous. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

function allow(names: string[], args?: SeccompRule['args']): SeccompRule {
  return { names, action: 'SCMP_ACT_ALLOW', ...(args === undefined ? {} : { args }) };
}

const words = (text: string) => text.trim().split(/\s+/);

const harmless = words(`
  accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chown32
  clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
  execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat
  fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv
  futex_wake futimesat
  getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
  getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
  getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
  io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill
  landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount
  listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64
  madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
  mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
  pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
  process_mrelease pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv
  recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
  restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
  sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg
  sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority
  setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid
  setsockopt set_thread_area set_tid_address setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown
  sigaltstack signalfd signalfd4 sigpending sigprocmask sigreturn socketpair splice stat stat64 statfs statfs64 statmount
  statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
  timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime
  utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
`);

const withCapability: Record<string, string[]> = {
  CAP_BPF: ['bpf'],
  CAP_CHECKPOINT_RESTORE: ['kcmp'],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYS_ADMIN: words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open pivot_root quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare
  `),
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module'],
  CAP_SYS_NICE: [
    ...['get_mempolicy', 'mbind', 'migrate_pages', 'move_pages'],
    ...['set_mempolicy', 'set_mempolicy_home_node'],
  ],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: [...['kcmp', 'pidfd_getfd', 'process_madvise', 'process_vm_readv', 'process_vm_writev']],
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['clock_settime', 'clock_settime64', 'settimeofday', 'stime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYSLOG: ['syslog'],
};

/** No capability brings these: what they act on belongs to the whole host, or has cost kernels too many holes. */
const never = words(`
  _sysctl add_key create_module get_kernel_syms io_uring_enter io_uring_register io_uring_setup kexec_file_load kexec_load
  keyctl modify_ldt nfsservctl query_module request_key swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old
`);
