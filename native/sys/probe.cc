#include "sys/probe.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>

#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/probe_child.h"

namespace berth::sys {
namespace {

const Error kWorked{};

int succeed() { return 0; }

Error try_pidfd() {
  const Fd pidfd(static_cast<int>(kernel::pidfd_open(getpid(), 0)));
  if (!pidfd) return last_error("pidfd_open");
  if (kernel::pidfd_send_signal(pidfd.get(), 0) != 0) return last_error("pidfd_send_signal");
  pollfd ended{pidfd.get(), POLLIN, 0};
  if (poll(&ended, 1, 0) < 0) return last_error("poll");
  return kWorked;
}

Error try_openat2() {
  const kernel::OpenHow how{O_PATH | O_CLOEXEC, 0,
                            kernel::kResolveInRoot | kernel::kResolveNoMagiclinks};
  const Fd root(static_cast<int>(kernel::openat2(AT_FDCWD, "/", how)));
  return root ? kWorked : last_error("openat2");
}

/// A tmpfs that is never attached: it is gone with its descriptor.
Result<Fd> detached_tmpfs() {
  BERTH_ASSIGN(const Fd context, adopt(kernel::fsopen("tmpfs", kernel::kFsopenCloexec), "fsopen"));
  if (kernel::fsconfig(context.get(), kernel::kFsconfigCreate, nullptr, nullptr, 0) != 0) {
    return last_error("fsconfig");
  }
  return adopt(kernel::fsmount(context.get(), kernel::kFsmountCloexec, 0), "fsmount");
}

Error try_mount_api() {
  const auto mount = detached_tmpfs();
  return mount ? kWorked : mount.error();
}

Error try_mount_setattr() {
  auto mount = detached_tmpfs();
  if (!mount) return mount.error();
  kernel::MountAttr attributes{};
  attributes.set = kernel::kMountReadonly | kernel::kMountNosuid | kernel::kMountNodev;
  const long done = kernel::mount_setattr(mount->get(), "", kernel::kAtEmptyPath, attributes);
  return done == 0 ? kWorked : last_error("mount_setattr");
}

Error try_seccomp() {
  return try_in_child("seccomp", 0, [] {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    const kernel::SockFilter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    const kernel::SockFprog program{1, allow};
    return kernel::seccomp(kernel::kSeccompSetModeFilter, 0, &program) == 0 ? 0 : errno;
  });
}

/// An empty file is no program (ENOEXEC), and that is only found out where it may be executed at all (else EACCES).
Error try_memfd_exec() {
  constexpr unsigned kFlags = kernel::kMemfdCloexec | kernel::kMemfdAllowSealing;
  long number = kernel::memfd_create("berth-probe", kFlags | kernel::kMemfdExec);
  // MFD_EXEC came with Linux 6.3; before it every memfd is executable.
  if (number < 0 && errno == EINVAL) number = kernel::memfd_create("berth-probe", kFlags);
  if (number < 0) return last_error("memfd_create");
  const Fd file(static_cast<int>(number));
  return try_in_child("execveat", 0, [&file] {
    char* const nothing[] = {nullptr};
    syscall(SYS_execveat, file.get(), "", nothing, nothing, kernel::kAtEmptyPath);
    return errno == ENOEXEC ? 0 : errno;
  });
}

struct Namespace {
  const char* name;
  uint64_t flag;
};

constexpr Namespace kNamespaces[] = {
    {"namespace user", kernel::kCloneNewUser},     {"namespace mount", kernel::kCloneNewNs},
    {"namespace pid", kernel::kCloneNewPid},       {"namespace net", kernel::kCloneNewNet},
    {"namespace ipc", kernel::kCloneNewIpc},       {"namespace uts", kernel::kCloneNewUts},
    {"namespace cgroup", kernel::kCloneNewCgroup}, {"namespace time", kernel::kCloneNewTime},
};

}  // namespace

int probe_kernel(bool privileged, Probe* probes) {
  int count = 0;
  probes[count++] = {"clone3", try_in_child("clone3", 0, succeed)};
  for (const Namespace& kind : kNamespaces) {
    const uint64_t flags = kind.flag | (privileged ? 0 : kernel::kCloneNewUser);
    probes[count++] = {kind.name, try_in_child("clone3", flags, succeed)};
  }
  probes[count++] = {"pidfd", try_pidfd()};
  probes[count++] = {"openat2", try_openat2()};
  probes[count++] = {"mount api", try_mount_api()};
  probes[count++] = {"mount_setattr", try_mount_setattr()};
  probes[count++] = {"seccomp", try_seccomp()};
  probes[count++] = {"memfd exec", try_memfd_exec()};
  return count;
}

Probe probe_clone_into(const char* cgroup) {
  constexpr const char* kName = "clone into cgroup";
  const Fd directory(open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return {kName, last_error("open")};
  return {kName, try_in_child("clone3", kernel::kCloneIntoCgroup, succeed, directory.get())};
}

}  // namespace berth::sys
