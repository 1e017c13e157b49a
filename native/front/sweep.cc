#include "front/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "sys/erofs_mount.h"
#include "sys/lock.h"
#include "sys/proc_file.h"

namespace berth::front {
namespace {

using Names = std::set<std::string>;

/// Exists while systemd has the unit, from before its cgroup is made.
constexpr char kScopeUnitFile[] = "/run/systemd/transient/berth.scope";

Names folders_in(const std::string& folder) {
  const sys::Fd directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return {};
  auto names = sys::folder_names(directory.get());
  if (!names) return {};
  return {names->begin(), names->end()};
}

/// False: something is still in it.
bool remove_if_empty(const std::string& cgroup) {
  return rmdir(cgroup.c_str()) == 0 || errno == ENOENT;
}

/// An empty cgroup of a container that is gone is taken away: whoever changed its limits may have made it as it ended.
bool holds_containers(const std::string& directory, const std::string& supervisors,
                      const Names& known) {
  const Names names = folders_in(directory);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::string place = directory + "/" + name;
    if (place == supervisors) return false;
    return known.contains(name) || !remove_if_empty(place);
  });
}

/// With no container there is at most a supervisor that is ending: it takes a moment to leave.
void remove_soon(const std::string& cgroup) {
  constexpr int kMostTries = 200;
  constexpr timespec kMillisecond = {0, 1000000};
  for (int tries = 0; tries < kMostTries && !remove_if_empty(cgroup); ++tries)
    nanosleep(&kMillisecond, nullptr);
}

/// What is mounted of layers, unless somebody needs it just now. One that stays mounted does no harm.
void close_idle_layers(const Recipe& recipe) {
  if (recipe.mounted.empty()) return;
  std::vector<sys::Fd> held;
  for (const std::string& file : recipe.layer_locks) {
    auto lock = sys::lock_file(file.c_str(), sys::LockKind::kExclusive, false);
    if (!lock) return;
    held.push_back(std::move(*lock));
  }
  for (const std::string& directory : recipe.mounted) (void)sys::unmount_image(directory);
}

}  // namespace

void sweep_shared(const Roots& roots, const Recipe& recipe) {
  const auto alone =
      sys::lock_file((roots.root + "/launch.lock").c_str(), sys::LockKind::kExclusive, false);
  if (!alone) return;
  Names known = folders_in(roots.state + "/containers");
  known.merge(folders_in(roots.root + "/containers"));
  std::erase_if(known, [](const std::string& name) { return name[0] == '.'; });
  bool held = false;
  // Every one is looked at, also after one that holds a container.
  for (const std::string& directory : recipe.shared)
    held = holds_containers(directory, recipe.supervisors, known) || held;
  if (held) return;
  if (!recipe.supervisors.empty()) remove_soon(recipe.supervisors);
  for (const std::string& directory : recipe.shared) remove_soon(directory);
  // What systemd has let go of; while it has the unit it removes the cgroup itself.
  if (!recipe.scope.empty() && access(kScopeUnitFile, F_OK) != 0)
    (void)remove_if_empty(recipe.scope);
  close_idle_layers(recipe);
}

}  // namespace berth::front
