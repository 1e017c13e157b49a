#include "launch/spare_overlays.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "sys/kernel.h"

namespace berth::launch {
namespace {

using sys::Fd;

template <typename T>
void add_bytes(std::string& text, const T& value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool add_inode(std::string& text, const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return false;
  add_bytes(text, status.st_dev);
  add_bytes(text, status.st_ino);
  return true;
}

/// Nothing but files of the kernel's, and of this container alone.
bool is_own_cgroup(const Plan& plan, const char* path) {
  const auto same = [&](const char* own) { return strcmp(own, path) == 0; };
  return std::any_of(plan.cgroup.v1.begin(), plan.cgroup.v1.end(), same) ||
         same(plan.cgroup.unified);
}

/// Memory (null, zero, random) and terminals, which carry no descriptors (Documentation/admin-guide/devices.txt). A binder does, a loop device keeps one.
bool carries_nothing(const Device& device) {
  constexpr uint32_t kMemory = 1, kTerminal = 5;
  return device.type == S_IFCHR && (device.major == kMemory || device.major == kTerminal);
}

bool same_file(int fd, const char* path) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

}  // namespace

bool reached_by_nobody_else(const Plan& plan) {
  using namespace sys::kernel;
  constexpr uint64_t kOwn =
      kCloneNewUser | kCloneNewPid | kCloneNewNs | kCloneNewNet | kCloneNewIpc;
  if ((plan.namespaces & kOwn) != kOwn || plan.joined.count > 0) return false;
  if (!std::all_of(plan.devices.begin(), plan.devices.end(), carries_nothing)) return false;
  return std::all_of(plan.mounts.begin(), plan.mounts.end(), [&](const Mount& mount) {
    if (mount.propagation != 0) return false;
    return mount.kind == MountKind::kFilesystem || is_own_cgroup(plan, mount.source);
  });
}

SpareOverlays::Kind SpareOverlays::Kind::of(const Plan& plan) {
  const Rootfs& rootfs = plan.rootfs;
  Kind kind;
  std::string rest;
  const auto add = [&](const std::string& path) {
    kind.layers += path + "\n";
    return add_inode(rest, path);
  };
  // Layers that are mounted are their own to unmount, at any time. A tree is the user's, who may change it: overlayfs remembers what it has seen of it.
  bool known = plan.uids.count > 0 && rootfs.is_volatile && rootfs.mounted.count == 0 &&
               *rootfs.tree == '\0';
  for (const char* layer : rootfs.layers)
    known = add(std::string(rootfs.base) + "/" + layer) && known;
  if (!known) return kind;
  kind.first_id = plan.uids.items[0].outside;
  kind.rest = std::string(plan.root) + "\n" + rootfs.base + "\n";
  kind.rest += rest;
  for (const auto* maps : {&plan.uids, &plan.gids}) {
    add_bytes(kind.rest, maps->count);
    for (const IdMap& map : *maps) {
      for (const uint32_t number : {map.inside, map.outside, map.count})
        add_bytes(kind.rest, number);
    }
  }
  add_bytes(kind.rest, rootfs.readonly);
  return kind;
}

void SpareOverlays::expect(pid_t supervisor, const std::string& id, Kind kind) {
  const std::lock_guard lock(mutex_);
  expected_[supervisor] = {id, std::move(kind)};
}

void SpareOverlays::forget(pid_t supervisor) {
  const std::lock_guard lock(mutex_);
  expected_.erase(supervisor);
}

void SpareOverlays::keep(pid_t supervisor, Fd overlay, Fd claim) {
  std::optional<Spare> surplus;  // let go of without the lock: an unmount may take long
  const std::lock_guard lock(mutex_);
  const auto found = expected_.find(supervisor);
  if (found == expected_.end() || !overlay || !claim || ranges_ < kFewestRanges) return;
  Expected expected = std::move(found->second);
  expected_.erase(found);
  if (spares_.size() == kMost) {
    surplus = std::move(spares_.front());
    spares_.erase(spares_.begin());
  }
  spares_.push_back({std::move(expected.kind), std::move(expected.id), std::move(overlay),
                     std::move(claim), Clock::now() + life_});
}

std::optional<sys::IdRange> SpareOverlays::claim(std::string_view layers, const char* file,
                                                 uint32_t first, uint32_t size, uint32_t count) {
  const std::lock_guard lock(mutex_);
  ranges_ = count;
  // The last to come is the first to go: its caches are warm.
  const auto found = std::find_if(spares_.rbegin(), spares_.rend(), [&](const Spare& spare) {
    const uint32_t offset = spare.kind.first_id - first;
    return spare.claim && spare.kind.layers == layers && offset % size == 0 &&
           offset / size < count && same_file(spare.claim.get(), file);
  });
  if (found == spares_.rend()) return {};
  return sys::IdRange{found->kind.first_id, std::move(found->claim)};
}

std::optional<SpareOverlays::Spare> SpareOverlays::take(const Kind& kind) {
  std::optional<Spare> taken;
  const std::lock_guard lock(mutex_);
  // One range, one spare at most: the claim says so.
  const auto found = std::find_if(spares_.begin(), spares_.end(), [&](const Spare& spare) {
    return spare.kind.first_id == kind.first_id;
  });
  if (found == spares_.end()) return {};
  taken = std::move(*found);
  spares_.erase(found);
  if (kind.rest.empty() || taken->kind != kind) taken.reset();
  return taken;
}

bool SpareOverlays::clear() {
  std::vector<Spare> all;
  const std::lock_guard lock(mutex_);
  all.swap(spares_);
  return !all.empty();
}

int SpareOverlays::expire() {
  std::vector<Spare> over;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const auto end = std::find_if(spares_.begin(), spares_.end(),
                                [&](const Spare& spare) { return spare.until > now; });
  std::move(spares_.begin(), end, std::back_inserter(over));
  spares_.erase(spares_.begin(), end);
  if (spares_.empty()) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(spares_[0].until - now);
  return static_cast<int>(left.count()) + 1;
}

}  // namespace berth::launch
