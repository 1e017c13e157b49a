#include "init/namespaces.h"

#include <sched.h>

#include <cstring>

#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::init {

using sys::Fd;
using sys::Result;

Result<void> join_namespaces(const launch::Plan& plan, Progress& progress) {
  for (const auto& joined : plan.joined) {
    progress.at("namespaces", joined.path);
    BERTH_ASSIGN(const Fd file, sys::adopt(open(joined.path, O_RDONLY | O_CLOEXEC), "open"));
    // EINVAL: it is a namespace of another kind, or no namespace.
    if (setns(file.get(), static_cast<int>(joined.type)) != 0) return sys::last_error("setns");
  }
  return {};
}

Result<void> make_time_namespace(const launch::Plan& plan, Progress& progress) {
  if ((plan.namespaces & sys::kernel::kCloneNewTime) == 0) return {};
  progress.at("namespaces", "time");
  if (unshare(static_cast<int>(sys::kernel::kCloneNewTime)) != 0) return sys::last_error("unshare");
  const size_t length = strlen(plan.time_offsets);
  if (length == 0) return {};
  BERTH_ASSIGN(const Fd file,
               sys::adopt(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC), "open"));
  if (write(file.get(), plan.time_offsets, length) != static_cast<ssize_t>(length))
    return sys::last_error("write");
  return {};
}

}  // namespace berth::init
