#include "runtime/documents.h"

#include <seccomp.h>

#include "launch/oci_config.h"
#include "runtime/json_text.h"

namespace berth::runtime {
namespace {

std::string list(std::initializer_list<const char*> words) {
  std::string text;
  for (const char* word : words) text += (text.empty() ? "" : ",") + json_string(word);
  return "[" + text + "]";
}

std::string capability_names() {
  std::string text;
  for (const auto name : launch::capability_names())
    text += (text.empty() ? "" : ",") + json_string("CAP_" + std::string(name));
  return "[" + text + "]";
}

}  // namespace

std::string features_text() {
  const std::string seccomp =
      JsonObject()
          .member("enabled", "true")
          .member("actions", list({"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
                                   "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
                                   "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}))
          .member("operators", list({"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
                                     "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"}))
          .member("archs", list({"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32",
                                 "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}))
          .text();
  const std::string cgroup = JsonObject()
                                 .member("v1", "true")
                                 .member("v2", "true")
                                 .member("systemd", "false")
                                 .member("systemdUser", "false")
                                 .member("rdma", "false")
                                 .text();
  const std::string none = JsonObject().member("enabled", "false").text();
  const std::string linux_section =
      JsonObject()
          .member("namespaces",
                  list({"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}))
          .member("capabilities", capability_names())
          .member("cgroup", cgroup)
          .member("seccomp", seccomp)
          .member("apparmor", none)
          .member("selinux", none)
          .member("intelRdt", none)
          .member(
              "mountExtensions",
              JsonObject().member("idmap", JsonObject().member("enabled", "true").text()).text())
          .text();
  const scmp_version* library = seccomp_version();
  return JsonObject()
      .member("ociVersionMin", json_string("1.0.0"))
      .member("ociVersionMax", json_string("1.1.0"))
      .member("hooks", list({"prestart", "createRuntime", "createContainer", "startContainer",
                             "poststart", "poststop"}))
      .member("mountOptions",
              list({"async",       "atime",       "bind",      "defaults",   "dev",
                    "diratime",    "dirsync",     "exec",      "idmap",      "lazytime",
                    "loud",        "mand",        "noatime",   "nodev",      "nodiratime",
                    "noexec",      "nolazytime",  "nomand",    "norelatime", "nostrictatime",
                    "nosuid",      "nosymfollow", "private",   "rbind",      "relatime",
                    "ridmap",      "rnoatime",    "rnodev",    "rnoexec",    "rnosuid",
                    "ro",          "rprivate",    "rro",       "rshared",    "rslave",
                    "runbindable", "rw",          "shared",    "silent",     "slave",
                    "strictatime", "suid",        "symfollow", "sync",       "tmpcopyup",
                    "unbindable"}))
      .member("linux", linux_section)
      .member("annotations", JsonObject()
                                 .member("org.opencontainers.runtime.berth-runtime.version",
                                         json_string(BERTH_VERSION))
                                 .member("io.github.seccomp.libseccomp.version",
                                         json_string(std::to_string(library->major) + "." +
                                                     std::to_string(library->minor) + "." +
                                                     std::to_string(library->micro)))
                                 .text())
      .text();
}

std::string sample_config() {
  return R"({
  "ociVersion": "1.1.0",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0},
    "args": ["sh"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "berth",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
     "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
  ],
  "linux": {
    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                   {"type": "cgroup"}],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
}
)";
}

}  // namespace berth::runtime
