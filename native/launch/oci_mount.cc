#include "launch/oci_mount.h"

#include <cstring>

#include "sys/defence.h"
#include "sys/kernel.h"

namespace berth::launch {
namespace {

using std::string_view;
using namespace sys::kernel;

struct AttributeOption {
  string_view name;
  uint64_t set, clear;
};

/// mount(8) options that are attributes of the mount, not parameters of the file system.
constexpr AttributeOption kAttributes[] = {
    {"ro", kMountReadonly, 0},
    {"rw", 0, kMountReadonly},
    {"nosuid", kMountNosuid, 0},
    {"suid", 0, kMountNosuid},
    {"nodev", kMountNodev, 0},
    {"dev", 0, kMountNodev},
    {"noexec", kMountNoexec, 0},
    {"exec", 0, kMountNoexec},
    {"nodiratime", kMountNodiratime, 0},
    {"diratime", 0, kMountNodiratime},
    {"noatime", kMountNoatime, kMountAtimeMask},
    {"strictatime", kMountStrictatime, kMountAtimeMask},
    {"relatime", 0, kMountAtimeMask},
    {"nosymfollow", kMountNosymfollow, 0},
};

bool needs_own_namespaces(string_view type) {
  return type == "proc" || type == "sysfs" || type == "mqueue" || type == "devpts" ||
         type == "cgroup2";
}

bool is_below(const char* target, const char* above) {
  const size_t length = strlen(above);
  return strncmp(target, above, length) == 0 && target[length] == '/';
}

void read_option(const Json& option, Mount& mount, std::vector<MountOption>& parameters,
                 PlanStore& store) {
  const string_view text = option.text();
  for (const auto& row : kAttributes) {
    if (row.name != text) continue;
    // The last word counts: `ro,rw` is rw.
    mount.set = (mount.set & ~row.clear) | row.set;
    mount.clear = (mount.clear & ~row.set) | row.clear;
    return;
  }
  if (text == "bind" || text == "rbind") {
    mount.kind = MountKind::kBind;
    mount.recursive = text == "rbind";
  } else if (text == "idmap" || text == "ridmap") {
    mount.idmap = true;
  } else if (text == "private" || text == "rprivate") {
    // All mounts are private: nothing propagates between a container and its host.
  } else if (text == "shared" || text == "rshared" || text == "slave" || text == "rslave" ||
             text == "unbindable" || text == "runbindable") {
    option.fault("mount propagation other than private is not supported");
  } else if (!text.empty()) {
    const size_t equals = text.find('=');
    parameters.push_back(
        {store.text(text.substr(0, equals)),
         store.text(equals == string_view::npos ? string_view() : text.substr(equals + 1))});
  }
}

}  // namespace

std::vector<Mount> read_mounts(const Json& mounts, PlanStore& store) {
  std::vector<Mount> list;
  mounts.each([&](const Json& item) {
    Mount mount;
    const string_view target = item["destination"].required_text();
    if (!target.starts_with('/') || target == "/")
      return item["destination"].fault("must be an absolute path other than /");
    mount.target = store.text(target);
    const string_view type = item["type"].text("bind");
    mount.type = store.text(type);
    mount.source = store.text(item["source"].text());
    if (type == "bind") mount.kind = MountKind::kBind;
    std::vector<MountOption> parameters;
    item["options"].each(
        [&](const Json& option) { read_option(option, mount, parameters, store); });
    // A file system's own parameters mean nothing to a bind.
    if (mount.kind == MountKind::kBind) parameters.clear();
    mount.options = store.list(std::move(parameters));
    mount.late = mount.kind == MountKind::kFilesystem && needs_own_namespaces(type);
    for (const Mount& earlier : list)
      mount.late |= earlier.late && is_below(mount.target, earlier.target);
    if (mount.kind == MountKind::kBind && mount.source[0] != '/')
      item["source"].fault("must be an absolute path");
    if (!sys::holds("readonly-mounts")) mount.set &= ~kMountReadonly;
    list.push_back(mount);
  });
  return list;
}

}  // namespace berth::launch
