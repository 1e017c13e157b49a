#include "init/ending.h"

#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <cstdio>  // renameat
#include <cstring>

#include "init/current_name.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/remove_tree.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

Result<Fd> open_directory(const char* path) {
  return sys::adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open");
}

Result<Fd> open_parent(const char* path) {
  const sys::Text<PATH_MAX> parent(sys::Piece{path, static_cast<size_t>(base_name(path) - path)});
  return open_directory(parent.size() == 0 ? "." : parent.c_str());
}

/// Removes a folder, its document first: without that it is no container or volume to anybody, and what a crash leaves of the rest is swept by whoever
/// looks next.
Result<void> discard(Fd folder, int parent, const char* name,
                     const char* document = "container.json") {
  if (folder && unlinkat(folder.get(), document, 0) != 0 && errno != ENOENT)
    return sys::last_error("unlinkat");
  folder.reset();
  return sys::remove_tree(parent, name);
}

}  // namespace

Result<void> Ending::prepare(const launch::Plan& plan, const char** subject) {
  id_.add(plan.id);
  own_volumes_ = plan.own_volumes;
  name_.add(plan.name);
  folder_.add(base_name(plan.state_directory));
  const auto open_at = [&](Fd& fd, const char* path) -> Result<void> {
    *subject = path;
    BERTH_ASSIGN(Fd opened, open_directory(path));
    fd = std::move(opened);
    return {};
  };
  BERTH_TRY(open_at(root_, plan.root));
  BERTH_TRY(open_at(state_, plan.state_directory));
  BERTH_TRY(open_at(container_, plan.container_directory));
  *subject = plan.state_directory;
  BERTH_ASSIGN(Fd parent, open_parent(plan.state_directory));
  state_parent_ = std::move(parent);
  return {};
}

Result<void> Ending::prepare_cgroups(const launch::Plan& plan, const char** subject) {
  if (cgroup_count_ > 0) return {};
  const auto add_cgroup = [&](const char* path) -> Result<void> {
    *subject = path;
    if (cgroup_count_ == sizeof cgroups_ / sizeof cgroups_[0]) return sys::Error{E2BIG, "open"};
    BERTH_ASSIGN(Fd parent, open_parent(path));
    cgroups_[cgroup_count_].parent = std::move(parent);
    cgroups_[cgroup_count_++].name.add(base_name(path));
    oom_.prepare(path);
    return {};
  };
  if (plan.cgroup.unified[0] != '\0') BERTH_TRY(add_cgroup(plan.cgroup.unified));
  for (const char* path : plan.cgroup.v1) BERTH_TRY(add_cgroup(path));
  for (const char* path : plan.cgroup.later) add_later_cgroup(path);

  if ((plan.namespaces & sys::kernel::kCloneNewPid) == 0) {
    const auto open_file = [](const char* folder, const char* name, int flags) {
      return Fd(open(sys::Text<PATH_MAX>(folder, name).c_str(), flags | O_CLOEXEC));
    };
    if (plan.cgroup.unified[0] != '\0')
      kill_ = open_file(plan.cgroup.unified, "/cgroup.kill", O_WRONLY);
    else if (plan.cgroup.v1.count > 0)
      members_ = open_file(plan.cgroup.v1.items[0], "/cgroup.procs", O_RDONLY);
  }
  return {};
}

void Ending::add_later_cgroup(const char* path) {
  // Not even the directory that containers share need be there yet: found from the one above it.
  const size_t parent = static_cast<size_t>(base_name(path) - path) - 1;
  const sys::Text<PATH_MAX> shared(sys::Piece{path, parent});
  auto above = open_parent(shared.c_str());
  if (!above || cgroup_count_ == sizeof cgroups_ / sizeof cgroups_[0]) return;
  cgroups_[cgroup_count_].parent = std::move(*above);
  cgroups_[cgroup_count_++].name.add(base_name(shared.c_str()));
  cgroups_[cgroup_count_ - 1].name.add('/');
  cgroups_[cgroup_count_ - 1].name.add(base_name(path));
}

Result<void> Ending::kill_all() {
  if (kill_) {
    if (write(kill_.get(), "1", 1) != 1 && errno != ENODEV) return sys::last_error("write");
    return {};
  }
  // Until there are none: what was forked meanwhile is met in the next round.
  constexpr int kMostRounds = 1000;
  for (int round = 0; members_ && round < kMostRounds; ++round) {
    char text[4096];
    const ssize_t length = pread(members_.get(), text, sizeof text - 1, 0);
    if (length < 0) return errno == ENODEV ? Result<void>() : sys::last_error("pread");
    if (length == 0) break;
    text[length] = '\0';
    for (const char* line = text; line != nullptr && *line != '\0';) {
      const auto pid = static_cast<pid_t>(sys::leading_number(line));
      if (pid > 1) (void)kill(pid, SIGKILL);
      line = strchr(line, '\n');
      if (line != nullptr) ++line;
    }
    const timespec moment = {0, 1000000};
    nanosleep(&moment, nullptr);
  }
  return {};
}

Result<void> Ending::remove_cgroups() {
  oom_.let_go();
  Result<void> outcome;
  for (uint32_t i = 0; i < cgroup_count_; ++i) {
    constexpr int kTries = 50;
    for (int attempt = 0;; ++attempt) {
      if (unlinkat(cgroups_[i].parent.get(), cgroups_[i].name.c_str(), AT_REMOVEDIR) == 0 ||
          errno == ENOENT)
        break;
      if (errno != EBUSY || attempt == kTries) {
        outcome = sys::last_error("unlinkat");
        break;
      }
      const timespec moment = {0, 1000000};
      nanosleep(&moment, nullptr);
    }
  }
  return outcome;
}

Result<void> Ending::remove_state() {
  if (!state_parent_) return {};  // never prepared: the launcher's caller clears up
  return discard(std::move(state_), state_parent_.get(), folder_.c_str());
}

Result<void> Ending::look_at_upper(const launch::Plan& plan) {
  if (!plan.rootfs.reusable) return {};
  upper_ = sys::look_at(container_.get(), "upper");
  if (!plan.rootfs.returned) return {};
  BERTH_ASSIGN(overlay_, sys::clone_tree(AT_FDCWD, "rootfs", false));
  return {};
}

void Ending::forget_mount(const launch::Plan& plan) const {
  // Left by overlayfs for whoever mounts a `volatile` one again, which nobody will.
  if (!plan.rootfs.is_volatile || plan.rootfs.made) return;
  const int directory = container_.get();
  unlinkat(directory, "work/work/incompat/volatile/dirty", 0);
  unlinkat(directory, "work/work/incompat/volatile", AT_REMOVEDIR);
  unlinkat(directory, "work/work/incompat", AT_REMOVEDIR);
}

Result<void> Ending::discard_container() {
  const sys::Text<256> path("containers/", id_.c_str());
  // The only other thing that there may be of a container whose directories serve again.
  if (upper_.known) BERTH_TRY(sys::remove_tree(container_.get(), "logs"));
  if (sys::keep_spare_folder(root_.get(), path.c_str(), id_.c_str(), upper_)) {
    container_.reset();
    spare_ = std::move(overlay_);
    return {};
  }
  overlay_.reset();
  // Nearly always all that there is; what else there is, is looked for.
  for (const char* name : {"work/work", "work", "upper"})
    unlinkat(container_.get(), name, AT_REMOVEDIR);
  return discard(std::move(container_), root_.get(), path.c_str());
}

Result<void> Ending::remove_container(const Journal* journal) {
  if (!state_parent_) return {};  // never prepared: the launcher's caller clears up
  const ContainerName name = current_name(root_.get(), id_.c_str(), name_.c_str());
  BERTH_TRY(release_name(root_.get(), name.c_str(), id_.c_str()));
  // Also the first: whoever renamed it may have been killed in the middle.
  BERTH_TRY(release_name(root_.get(), name_.c_str(), id_.c_str()));
  for (uint32_t number = 1; number <= own_volumes_; ++number) {
    const sys::Text<80> called(id_.c_str(), '-', number);
    const sys::Text<256> volume("volumes/", called.c_str());
    Fd folder(openat(root_.get(), volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    BERTH_TRY(discard(std::move(folder), root_.get(), volume.c_str(), "volume.json"));
    if (journal != nullptr) journal->tell_volume_gone(called.c_str());
  }
  BERTH_TRY(discard_container());
  if (journal != nullptr) journal->tell("destroy");
  return remove_state();
}

}  // namespace berth::init
