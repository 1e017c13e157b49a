// The kernel interface that libc headers lack: constants and structures of newer calls, and the calls themselves.
// Values are the kernel's ABI (include/uapi/linux); the version that brought each call stands beside it.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace berth::sys::kernel {

// clone3(2), Linux 5.3; cgroup 5.7; CLEAR_SIGHAND 5.5
struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};
constexpr uint64_t kCloneVm = 0x100, kCloneVfork = 0x4000, kClonePidfd = 0x1000;
constexpr uint64_t kCloneParent = 0x8000;
constexpr uint64_t kCloneNewNs = 0x20000, kCloneNewCgroup = 0x2000000, kCloneNewUts = 0x4000000,
                   kCloneNewIpc = 0x8000000, kCloneNewUser = 0x10000000, kCloneNewPid = 0x20000000,
                   kCloneNewNet = 0x40000000, kCloneNewTime = 0x80;
constexpr uint64_t kCloneClearSighand = 0x100000000ULL, kCloneIntoCgroup = 0x200000000ULL;

inline long clone3(CloneArgs* args) { return syscall(SYS_clone3, args, sizeof *args); }

// openat2(2), Linux 5.6
struct OpenHow {
  uint64_t flags, mode, resolve;
};
constexpr uint64_t kResolveNoXdev = 0x01, kResolveNoMagiclinks = 0x02, kResolveNoSymlinks = 0x04,
                   kResolveBeneath = 0x08, kResolveInRoot = 0x10;

inline long openat2(int directory, const char* path, const OpenHow& how) {
  return syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// The mount API of Linux 5.2 (fsopen, fsconfig, fsmount, move_mount, open_tree); mount_setattr 5.12
struct MountAttr {
  uint64_t set, clear, propagation, userns_fd;
};
constexpr unsigned kOpenTreeClone = 1, kOpenTreeCloexec = O_CLOEXEC;
constexpr unsigned kMoveMountFromEmptyPath = 0x4, kMoveMountToEmptyPath = 0x40;
constexpr unsigned kFsopenCloexec = 1, kFsmountCloexec = 1;
constexpr unsigned kFsconfigSetFlag = 0, kFsconfigSetString = 1, kFsconfigSetFd = 5,
                   kFsconfigCreate = 6;
constexpr uint64_t kMountReadonly = 0x1, kMountNosuid = 0x2, kMountNodev = 0x4, kMountNoexec = 0x8,
                   kMountNoatime = 0x10, kMountStrictatime = 0x20, kMountAtimeMask = 0x70,
                   kMountNodiratime = 0x80, kMountIdmap = 0x100000, kMountNosymfollow = 0x200000;
constexpr int kAtRecursive = 0x8000, kAtEmptyPath = 0x1000;

inline long fsopen(const char* type, unsigned flags) { return syscall(SYS_fsopen, type, flags); }
inline long fsconfig(int fd, unsigned command, const char* key, const void* value, int aux) {
  return syscall(SYS_fsconfig, fd, command, key, value, aux);
}
inline long fsmount(int fd, unsigned flags, uint64_t attributes) {
  return syscall(SYS_fsmount, fd, flags, attributes);
}
inline long move_mount(int from, const char* from_path, int to, const char* to_path,
                       unsigned flags) {
  return syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}
inline long open_tree(int directory, const char* path, unsigned flags) {
  return syscall(SYS_open_tree, directory, path, flags);
}
inline long mount_setattr(int directory, const char* path, unsigned flags,
                          const MountAttr& attributes) {
  return syscall(SYS_mount_setattr, directory, path, flags, &attributes, sizeof attributes);
}
inline long pivot_root(const char* new_root, const char* put_old) {
  return syscall(SYS_pivot_root, new_root, put_old);
}

// pidfds: send_signal Linux 5.1, open 5.3; waitid(P_PIDFD) 5.4
constexpr int kPPidfd = 3;
inline long pidfd_open(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
/// Linux 5.6.
inline long pidfd_getfd(int pidfd, int number) {
  return syscall(SYS_pidfd_getfd, pidfd, number, 0);
}
inline long pidfd_send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

// close_range(2), Linux 5.9; CLOEXEC 5.11
constexpr unsigned kCloseRangeCloexec = 4;
inline long close_range(unsigned first, unsigned last, unsigned flags) {
  return syscall(SYS_close_range, first, last, flags);
}

// memfd_create(2): seals 3.17, MFD_EXEC 6.3
constexpr unsigned kMemfdCloexec = 1, kMemfdAllowSealing = 2, kMemfdExec = 0x10;
constexpr int kAddSeals = 1033, kGetSeals = 1034, kSealSeal = 1, kSealShrink = 2, kSealGrow = 4,
              kSealWrite = 8;
inline long memfd_create(const char* name, unsigned flags) {
  return syscall(SYS_memfd_create, name, flags);
}

// capget(2), capset(2), version 3: two 32-bit words each
struct CapHeader {
  uint32_t version;
  int pid;
};
struct CapData {
  uint32_t effective, permitted, inheritable;
};
constexpr uint32_t kCapVersion3 = 0x20080522;
inline long capset(const CapHeader& header, const CapData* data) {
  return syscall(SYS_capset, &header, data);
}
inline long capget(CapHeader& header, CapData* data) { return syscall(SYS_capget, &header, data); }

// keyctl(2)
constexpr int kKeyctlJoinSessionKeyring = 1;
inline long join_session_keyring() {
  return syscall(SYS_keyctl, kKeyctlJoinSessionKeyring, nullptr);
}

// sched_setattr(2), Linux 3.14
struct SchedAttr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
constexpr uint64_t kSchedResetOnFork = 0x01;
inline long sched_setattr(pid_t thread, const SchedAttr& attributes) {
  return syscall(SYS_sched_setattr, thread, &attributes, 0);
}

// seccomp(2), Linux 3.17
struct SockFilter {
  uint16_t code;
  uint8_t jt, jf;
  uint32_t k;
};
struct SockFprog {
  uint16_t length;
  const SockFilter* filter;
};
constexpr unsigned kSeccompSetModeFilter = 1;
inline long seccomp(unsigned operation, unsigned flags, const void* arguments) {
  return syscall(SYS_seccomp, operation, flags, arguments);
}

}  // namespace berth::sys::kernel
