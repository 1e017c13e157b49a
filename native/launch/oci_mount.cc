#include "launch/oci_mount.h"

#include <sys/mount.h>

#include <algorithm>
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
    {"atime", 0, kMountAtimeMask},
    {"nosymfollow", kMountNosymfollow, 0},
    {"symfollow", 0, kMountNosymfollow},
};

bool needs_own_namespaces(string_view type) {
  return type == "proc" || type == "sysfs" || type == "mqueue" || type == "devpts" ||
         type == "cgroup2";
}

bool is_below(const char* target, const char* above) {
  const size_t length = strlen(above);
  return strncmp(target, above, length) == 0 && target[length] == '/';
}

/// Words that ask for what is so anyway (mount(8)).
constexpr string_view kNothing[] = {"defaults",   "loud",  "silent", "norelatime", "nostrictatime",
                                    "noiversion", "async", "nomand", "nolazytime", "nodirsync"};

void read_option(const Json& option, Mount& mount, std::vector<MountOption>& parameters,
                 PlanStore& store) {
  string_view text = option.text();
  // `rro` and the like hold for the mounts below too, as all of ours do.
  if (text.size() > 2 && text[0] == 'r' && text != "rbind" && text != "relatime") {
    const string_view plain = text.substr(1);
    if (std::any_of(std::begin(kAttributes), std::end(kAttributes),
                    [&](const AttributeOption& row) { return row.name == plain; }))
      text = plain;
  }
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
  } else if (text == "x-berth.plain") {
    mount.plain = true;
  } else if (const uint64_t propagation = propagation_of(text); propagation != 0) {
    // All mounts are private unless somebody wants otherwise: nothing propagates between a container and its host.
    mount.propagation = (propagation & MS_PRIVATE) != 0 ? 0 : propagation;
  } else if (text == "tmpcopyup") {
    mount.copy_up = true;
  } else if (std::find(std::begin(kNothing), std::end(kNothing), text) != std::end(kNothing)) {
    return;
  } else if (!text.empty()) {
    const size_t equals = text.find('=');
    parameters.push_back(
        {store.text(text.substr(0, equals)),
         store.text(equals == string_view::npos ? string_view() : text.substr(equals + 1))});
  }
}

}  // namespace

uint64_t propagation_of(string_view word) {
  constexpr std::pair<string_view, uint64_t> kWords[] = {
      {"shared", MS_SHARED},
      {"slave", MS_SLAVE},
      {"private", MS_PRIVATE},
      {"unbindable", MS_UNBINDABLE},
  };
  for (const auto& [name, flag] : kWords) {
    if (word == name) return flag;
    if (word.starts_with('r') && word.substr(1) == name) return flag | MS_REC;
  }
  return 0;
}

std::vector<Mount> read_mounts(const Json& mounts, PlanStore& store, const std::string& bundle) {
  const bool foreign = !bundle.empty();
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
    if (mount.copy_up && type != "tmpfs") item["options"].fault("tmpcopyup is for a tmpfs");
    if (mount.kind == MountKind::kBind && mount.source[0] != '/') {
      if (!foreign || mount.source[0] == '\0')
        return item["source"].fault("must be an absolute path");
      mount.source = store.text(bundle + "/" + mount.source);
    }
    if (!sys::holds("readonly-mounts")) mount.set &= ~kMountReadonly;
    list.push_back(mount);
  });
  return list;
}

}  // namespace berth::launch
