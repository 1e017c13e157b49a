#include "launch/oci_config.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "launch/oci_mount.h"
#include "launch/resources.h"
#include "sys/defence.h"
#include "sys/kernel.h"

namespace berth::launch {
namespace {

using std::string_view;

struct Named {
  string_view name;
  uint64_t value;
};

template <size_t N>
std::optional<uint64_t> look_up(const Named (&table)[N], string_view name) {
  for (const auto& row : table) {
    if (row.name == name) return row.value;
  }
  return {};
}

constexpr Named kNamespaces[] = {
    {"pid", sys::kernel::kCloneNewPid},       {"network", sys::kernel::kCloneNewNet},
    {"mount", sys::kernel::kCloneNewNs},      {"ipc", sys::kernel::kCloneNewIpc},
    {"uts", sys::kernel::kCloneNewUts},       {"user", sys::kernel::kCloneNewUser},
    {"cgroup", sys::kernel::kCloneNewCgroup}, {"time", sys::kernel::kCloneNewTime},
};

constexpr Named kResourceLimits[] = {
    {"RLIMIT_CPU", RLIMIT_CPU},           {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_DATA", RLIMIT_DATA},         {"RLIMIT_STACK", RLIMIT_STACK},
    {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},   {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},       {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},     {"RLIMIT_RTTIME", RLIMIT_RTTIME},
};

/// In the kernel's order (capability.h): the index is the capability's number.
constexpr std::array<string_view, 41> kCapabilities = {"CHOWN",
                                                       "DAC_OVERRIDE",
                                                       "DAC_READ_SEARCH",
                                                       "FOWNER",
                                                       "FSETID",
                                                       "KILL",
                                                       "SETGID",
                                                       "SETUID",
                                                       "SETPCAP",
                                                       "LINUX_IMMUTABLE",
                                                       "NET_BIND_SERVICE",
                                                       "NET_BROADCAST",
                                                       "NET_ADMIN",
                                                       "NET_RAW",
                                                       "IPC_LOCK",
                                                       "IPC_OWNER",
                                                       "SYS_MODULE",
                                                       "SYS_RAWIO",
                                                       "SYS_CHROOT",
                                                       "SYS_PTRACE",
                                                       "SYS_PACCT",
                                                       "SYS_ADMIN",
                                                       "SYS_BOOT",
                                                       "SYS_NICE",
                                                       "SYS_RESOURCE",
                                                       "SYS_TIME",
                                                       "SYS_TTY_CONFIG",
                                                       "MKNOD",
                                                       "LEASE",
                                                       "AUDIT_WRITE",
                                                       "AUDIT_CONTROL",
                                                       "SETFCAP",
                                                       "MAC_OVERRIDE",
                                                       "MAC_ADMIN",
                                                       "SYSLOG",
                                                       "WAKE_ALARM",
                                                       "BLOCK_SUSPEND",
                                                       "AUDIT_READ",
                                                       "PERFMON",
                                                       "BPF",
                                                       "CHECKPOINT_RESTORE"};

std::vector<const char*> texts(const Json& array, PlanStore& store) {
  std::vector<const char*> list;
  array.each([&](const Json& item) { list.push_back(store.text(item.text())); });
  return list;
}

/// A path inside the container: absolute.
const char* rooted(const Json& path, PlanStore& store) {
  const string_view text = path.required_text();
  if (!text.starts_with('/')) path.fault("must be an absolute path");
  return store.text(text);
}

/// -1 stands for RLIM_INFINITY beside 2^64 - 1, which not every JSON writer can say.
uint64_t resource_limit(const Json& value) {
  if (value.minified() == "-1") return RLIM_INFINITY;
  return value.unsigned_integer();
}

void read_process(const Json& json, PlanStore& store, Process& process) {
  process.terminal = json["terminal"].boolean();
  constexpr int64_t kMostCells = 65535;  // struct winsize (ioctl_tty(2))
  process.rows = static_cast<uint32_t>(json["consoleSize"]["height"].integer(0, kMostCells));
  process.columns = static_cast<uint32_t>(json["consoleSize"]["width"].integer(0, kMostCells));
  for (const char* unsupported : {"scheduler", "ioPriority", "execCPUAffinity"}) {
    if (json[unsupported].present()) json[unsupported].fault("is not supported");
  }
  // Callers that know of no profile say so with an empty one.
  for (const char* label : {"apparmorProfile", "selinuxLabel"}) {
    if (!json[label].text().empty()) json[label].fault("is not supported");
  }
  process.args = store.list(texts(json["args"], store));
  if (process.args.count == 0) json["args"].fault("needs at least the command");
  process.env = store.list(texts(json["env"], store));
  json["env"].each([](const Json& entry) {
    const auto equals = entry.text().find('=');
    if (equals == string_view::npos || equals == 0) entry.fault("must be NAME=VALUE");
  });
  process.cwd = rooted(json["cwd"], store);
  const Json user = json["user"];
  process.uid = user["uid"].id();
  process.gid = user["gid"].id();
  process.umask = static_cast<uint32_t>(user["umask"].integer(0, 0777, 022));
  std::vector<uint32_t> groups;
  user["additionalGids"].each([&](const Json& group) { groups.push_back(group.id()); });
  process.groups = store.list(std::move(groups));
  const Json capabilities = json["capabilities"];
  process.capabilities = {
      read_capabilities(capabilities["bounding"]), read_capabilities(capabilities["effective"]),
      read_capabilities(capabilities["permitted"]), read_capabilities(capabilities["inheritable"]),
      read_capabilities(capabilities["ambient"])};
  std::vector<ResourceLimit> limits;
  json["rlimits"].each([&](const Json& limit) {
    const auto resource = look_up(kResourceLimits, limit["type"].required_text());
    if (!resource) return limit["type"].fault("is no resource limit that Linux has");
    std::string name(limit["type"].text().substr(strlen("RLIMIT_")));
    std::transform(name.begin(), name.end(), name.begin(), tolower);
    limits.push_back({store.text(name), static_cast<uint32_t>(*resource),
                      resource_limit(limit["soft"]), resource_limit(limit["hard"])});
  });
  process.limits = store.list(std::move(limits));
  process.no_new_privileges = json["noNewPrivileges"].boolean();
  process.adjust_oom_score = json["oomScoreAdj"].present();
  process.oom_score = static_cast<int32_t>(json["oomScoreAdj"].integer(-1000, 1000));
}

std::vector<IdMap> read_id_maps(const Json& array) {
  std::vector<IdMap> maps;
  array.each([&](const Json& map) {
    maps.push_back({map["containerID"].id(), map["hostID"].id(), map["size"].id()});
  });
  return maps;
}

void read_namespaces(const Json& linux_section, PlanStore& store, Plan& plan, bool foreign) {
  std::vector<JoinedNamespace> joined;
  linux_section["namespaces"].each([&](const Json& item) {
    const auto flag = look_up(kNamespaces, item["type"].required_text());
    if (!flag || (*flag == sys::kernel::kCloneNewTime && !foreign))
      return item["type"].fault("is no namespace that berth makes");
    const auto is_same = [&](const JoinedNamespace& other) { return other.type == *flag; };
    if ((plan.namespaces & *flag) != 0 || std::any_of(joined.begin(), joined.end(), is_same))
      return item["type"].fault("is there twice");
    const string_view path = item["path"].text();
    if (path.empty()) {
      plan.namespaces |= *flag;
    } else if (*flag == sys::kernel::kCloneNewNs ||
               (foreign && *flag == sys::kernel::kCloneNewUser)) {
      item["path"].fault("joining such a namespace is not supported");
    } else if (!path.starts_with('/')) {
      item["path"].fault("must be an absolute path");
    } else {
      joined.push_back({*flag, store.text(path)});
    }
  });
  const bool joins_users = std::any_of(joined.begin(), joined.end(), [](const auto& each) {
    return each.type == sys::kernel::kCloneNewUser;
  });
  plan.joined = store.list(std::move(joined));
  if ((plan.namespaces & sys::kernel::kCloneNewNs) == 0)
    linux_section["namespaces"].fault("must contain mount");
  plan.uids = store.list(read_id_maps(linux_section["uidMappings"]));
  plan.gids = store.list(read_id_maps(linux_section["gidMappings"]));
  const bool own_users = (plan.namespaces & sys::kernel::kCloneNewUser) != 0 || joins_users;
  if (own_users != (plan.uids.count > 0) || own_users != (plan.gids.count > 0)) {
    linux_section["uidMappings"].fault("id maps and a user namespace need each other");
  }
}

/// Some callers (podman) give the whole of st_mode; which kind of device it is says `type`.
uint32_t file_mode(const Json& mode) {
  constexpr uint32_t kPermissions = 07777;
  return static_cast<uint32_t>(mode.integer(0, UINT32_MAX, 0666)) & kPermissions;
}

void read_devices(const Json& linux_section, PlanStore& store, Plan& plan) {
  std::vector<Device> devices;
  linux_section["devices"].each([&](const Json& item) {
    const string_view type = item["type"].required_text();
    if (type != "c" && type != "u" && type != "b") return item["type"].fault("must be c, u or b");
    devices.push_back({rooted(item["path"], store),
                       type == "b" ? unsigned{S_IFBLK} : unsigned{S_IFCHR}, item["major"].id(),
                       item["minor"].id(), file_mode(item["fileMode"]), item["uid"].id(),
                       item["gid"].id()});
  });
  plan.devices = store.list(std::move(devices));
}

/// One that is not the host's: made for the container, or by somebody for several.
bool has_namespace(const Plan& plan, uint64_t type) {
  return (plan.namespaces & type) != 0 ||
         std::any_of(plan.joined.begin(), plan.joined.end(),
                     [&](const JoinedNamespace& joined) { return joined.type == type; });
}

void read_sysctls(const Json& sysctls, PlanStore& store, Plan& plan) {
  std::vector<Pair> list;
  sysctls.each_member([&](string_view key, const Json& value) {
    // `net.ipv4.ip_forward` and `net/ipv4/ip_forward` are the same to sysctl(8); anything that could leave /proc/sys is not a name.
    std::string path(key);
    if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
    const bool isolated = path.starts_with("net/") || path.starts_with("fs/mqueue/") ||
                          path == "kernel/domainname" || path.starts_with("kernel/shm") ||
                          path.starts_with("kernel/msg") || path == "kernel/sem";
    const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
      return isalnum(c) || strchr("/_-.", c) != nullptr;
    });
    if (sys::holds("own-sysctls") &&
        (!isolated || !plain || path.find("..") != std::string::npos)) {
      return value.fault("is not a setting of the container's own namespaces");
    }
    if (!has_namespace(plan, path.starts_with("net/")      ? sys::kernel::kCloneNewNet
                             : path == "kernel/domainname" ? sys::kernel::kCloneNewUts
                                                           : sys::kernel::kCloneNewIpc))
      return value.fault("belongs to a namespace that the container shares with the host");
    list.push_back({store.text(path), store.text(value.text())});
  });
  plan.sysctls = store.list(std::move(list));
}

}  // namespace

std::vector<string_view> capability_names() { return {kCapabilities.begin(), kCapabilities.end()}; }

uint64_t read_capabilities(const Json& names) {
  uint64_t mask = 0;
  names.each([&](const Json& item) {
    string_view name = item.text();
    if (name.starts_with("CAP_")) name.remove_prefix(4);
    const auto* found = std::find(kCapabilities.begin(), kCapabilities.end(), name);
    if (found == kCapabilities.end()) return item.fault("is no capability that berth knows");
    mask |= uint64_t{1} << (found - kCapabilities.begin());
  });
  return mask;
}

void read_oci_config(const Json& config, PlanStore& store, Plan& plan, Limits& limits,
                     const std::string* bundle) {
  if (!config["ociVersion"].required_text().starts_with("1."))
    config["ociVersion"].fault("must be 1.x");
  const bool foreign = bundle != nullptr;
  read_process(config["process"], store, plan.process);
  plan.hostname = store.text(config["hostname"].text());
  plan.domainname = store.text(config["domainname"].text());
  plan.rootfs.readonly = config["root"]["readonly"].boolean();

  const Json linux_section = config["linux"];
  if (linux_section["intelRdt"].present()) linux_section["intelRdt"].fault("is not supported");
  if (!linux_section["mountLabel"].text().empty())
    linux_section["mountLabel"].fault("is not supported");
  if (!foreign) {
    if (config["hooks"].present()) config["hooks"].fault("is for berth-runtime");
    for (const char* unsupported : {"personality", "timeOffsets", "rootfsPropagation"}) {
      if (linux_section[unsupported].present())
        linux_section[unsupported].fault("is for berth-runtime");
    }
  }
  read_namespaces(linux_section, store, plan, foreign);
  plan.mounts = store.list(read_mounts(config["mounts"], store, foreign ? *bundle : ""));
  read_devices(linux_section, store, plan);
  plan.masked = store.list(texts(linux_section["maskedPaths"], store));
  plan.readonly_paths = store.list(texts(linux_section["readonlyPaths"], store));
  read_sysctls(linux_section["sysctl"], store, plan);
  limits = read_resources(linux_section["resources"]);
  // The links that every Linux container has (OCI runtime specification, runtime-linux.md).
  plan.links = store.list(std::vector<Pair>{{"/dev/fd", "/proc/self/fd"},
                                            {"/dev/stdin", "/proc/self/fd/0"},
                                            {"/dev/stdout", "/proc/self/fd/1"},
                                            {"/dev/stderr", "/proc/self/fd/2"},
                                            {"/dev/ptmx", "pts/ptmx"}});
}

}  // namespace berth::launch
