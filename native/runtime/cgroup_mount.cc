#include "runtime/cgroup_mount.h"

#include <string>

#include "sys/kernel.h"

namespace berth::runtime {
namespace {

using launch::Mount;
using launch::MountKind;

Mount bind(const Mount& from, launch::PlanStore& store, const std::string& source,
           const std::string& target) {
  Mount mount = from;
  mount.kind = MountKind::kBind;
  mount.late = false;
  mount.options = {};
  mount.type = "bind";
  mount.source = store.text(source);
  mount.target = store.text(target);
  // Below a sysfs that only the first process can mount.
  mount.late = from.late;
  return mount;
}

}  // namespace

void expand_cgroup_mounts(const launch::CgroupPlaces& places, launch::PlanStore& store,
                          launch::Plan& plan) {
  std::vector<Mount> list;
  for (const Mount& mount : plan.mounts) {
    const std::string type = mount.kind == MountKind::kFilesystem ? mount.type : "";
    const bool any = type == "cgroup" || type == "cgroup2";
    if (!any || (type == "cgroup2" && places.unified_controls)) {
      list.push_back(mount);
    } else if (places.unified_controls) {
      if ((plan.namespaces & sys::kernel::kCloneNewCgroup) == 0) {
        list.push_back(bind(mount, store, places.unified, mount.target));
      } else {
        list.push_back(mount);
        list.back().type = "cgroup2";
        list.back().options = {};
        list.back().late = true;
      }
    } else if (!places.v1.empty()) {
      Mount folder = mount;
      folder.type = "tmpfs";
      folder.source = "cgroup";
      folder.options =
          store.list(std::vector<launch::MountOption>{{"mode", "755"}, {"size", "64k"}});
      // What is mounted in it must be able to get its place; it is too small to be of use to anybody.
      folder.set &= ~sys::kernel::kMountReadonly;
      list.push_back(folder);
      for (const auto& [controller, path] : places.v1)
        list.push_back(bind(mount, store, path, std::string(mount.target) + "/" + controller));
    }
  }
  plan.mounts = store.list(std::move(list));
}

}  // namespace berth::runtime
