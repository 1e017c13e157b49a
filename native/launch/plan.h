// The launch plan: all that berth-init needs to build one container, decided beforehand. Written by the launcher (from
// config.json and launch.json) and read by berth-init; this header is both sides' only description of it.
//
// A plan travels in a sealed memfd as a flat stream: integers little-endian, strings as length + bytes + NUL, lists as
// count + items. Reading checks every bound and allocates from one arena, so berth-init can give all of it back at once.
#pragma once

#include <cstdint>
#include <cstring>

namespace berth::launch {

constexpr uint32_t kPlanMagic = 0x42504c4e;  // "BPLN"
constexpr uint32_t kPlanFormat = 1;
/// Bytes. A plan is some kB, most of it the seccomp filter; arguments and variables may come to what execve(2) takes at most, 6 MiB.
constexpr uint32_t kPlanLimit = 8 << 20;

/// Descriptors that berth-init finds open at start, besides 0, 1 and 2 (the client's own, or /dev/null). In the role of exec kTaskPidFd is a pidfd of the
/// container's first process.
enum InheritedFd : int {
  kPlanFd = 3,
  kLeashFd = 4,
  kIdRangeFd = 5,
  kTaskPidFd = kIdRangeFd,
  kHeldFd = 6,
  /// The lock that says that a container is on its way: held until it is on record, whatever becomes of the launcher. For a supervisor alone.
  kLaunchFd = 7,
  /// The overlay of a container that ended before, where the plan says so (Rootfs::made). For a supervisor alone.
  kOverlayFd = 8,
  kInheritedEnd = 9
};

/// For a container that is handed over (see Handover), in the place of what is for a supervisor alone.
enum HandoverFd : int { kConsoleFd = 8, kFirstPreservedFd = 9 };

/// The first argument of berth-init in its role as exec.
constexpr char kExecRole[] = "--exec";

template <typename T>
struct List {
  T* items = nullptr;
  uint32_t count = 0;
  T* begin() const { return items; }
  T* end() const { return items + count; }
};

/// One line of a uid_map or gid_map (user_namespaces(7)).
struct IdMap {
  uint32_t inside = 0, outside = 0, count = 0;
};

/// One fsconfig(2) parameter; a flag has an empty value.
struct MountOption {
  const char* key = "";
  const char* value = "";
};

enum class MountKind : uint8_t { kFilesystem, kBind };

struct Mount {
  MountKind kind = MountKind::kFilesystem;
  /// proc, sysfs, mqueue and what lies below them need the container's namespaces: the first process mounts them.
  bool late = false;
  bool recursive = false;
  /// A bind whose owners are seen through the container's id map.
  bool idmap = false;
  /// No component of `source` may be a symbolic link: others can write on its way.
  bool plain = false;
  /// The folder of the volume that `source` belongs to, if what the image has at `target` is to be copied into it while it is empty.
  const char* volume = "";
  /// The file of the mount namespace that `source` is a plain path in; empty: the host's.
  const char* elsewhere = "";
  const char* source = "";
  const char* type = "";
  const char* target = "";
  List<MountOption> options;
  uint64_t set = 0;    // MOUNT_ATTR_*
  uint64_t clear = 0;  // MOUNT_ATTR_*
  /// MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the mounts below too; 0: private.
  uint64_t propagation = 0;
  /// A new file system starts with what the image has at its place.
  bool copy_up = false;
};

/// A namespace that somebody else has made, by its file (namespaces(7)).
struct JoinedNamespace {
  uint64_t type = 0;  // CLONE_NEW*
  const char* path = "";
};

/// A process that must still run when its namespaces have been opened: otherwise they may be another's.
struct Peer {
  uint32_t pid = 0;      // on the host
  uint64_t started = 0;  // clock ticks since boot
};

/// A program that a caller wants run at a moment of the container's life (OCI runtime specification, config.md, POSIX-platform hooks).
struct Hook {
  const char* path = "";
  List<const char*> args;
  List<const char*> env;
  uint32_t timeout = 0;  // seconds; 0: none
};

/// A container that is handed over to whoever had it created: its descriptors are the caller's, no supervisor stays, and its first process waits to be started.
struct Handover {
  bool wanted = false;
  bool terminal = false;
  uint32_t rows = 0, columns = 0;  // of the terminal; 0: as the kernel has it
  /// Descriptors from kFirstPreservedFd on that the program gets, as 3 and up.
  uint32_t preserved = 0;
  /// The caller has something to do between the mounts and the pivot.
  bool runtime_hooks = false;
  List<Hook> create_hooks;  // run by the first process, in its namespaces, before the pivot
  List<Hook> start_hooks;   // just before the program
};

struct Device {
  const char* path = "";
  uint32_t type = 0;  // S_IFCHR or S_IFBLK
  uint32_t major = 0, minor = 0, mode = 0, uid = 0, gid = 0;
};

struct Pair {
  const char* key = "";
  const char* value = "";
};

struct ResourceLimit {
  const char* name = "";  // nofile
  uint32_t resource = 0;  // RLIMIT_*
  uint64_t soft = 0, hard = 0;
};

struct Capabilities {
  uint64_t bounding = 0, effective = 0, permitted = 0, inheritable = 0, ambient = 0;
};

struct Process {
  List<const char*> args;
  List<const char*> env;
  const char* cwd = "/";
  /// A working directory that the image lacks is an error; else it is made.
  bool cwd_is_there = false;
  /// As the command line has it (`33`, `www-data`, `33:adm`); empty: the numbers below are final. Looked up in the image.
  const char* user = "";
  uint32_t uid = 0, gid = 0, umask = 022;
  List<uint32_t> groups;
  List<const char*> group_names;  // names from the image, or numbers
  Capabilities capabilities;
  List<ResourceLimit> limits;
  bool no_new_privileges = true;
  /// A first process stays before the program, passes signals on and collects orphans.
  bool init = false;
  /// Other programs, run as the program is, before and after it; empty: none.
  List<const char*> before, after;
  bool adjust_oom_score = false;
  int32_t oom_score = 0;
  bool set_personality = false;
  uint32_t personality = 0;  // personality(2)
  bool terminal = false;
  uint32_t rows = 0, columns = 0;  // of the terminal; 0: not known yet
};

/// How the root file system comes to be: an overlay of layers, or a directory used as it is.
struct Rootfs {
  /// Holds all layers and the container's directory, so that one id-mapped clone of it serves them all.
  const char* base = "";
  List<const char*> layers;  // relative to base, topmost first
  /// Those of them that are mount points: a copy of what is mounted there stands in for each.
  List<const char*> mounted;
  const char* tree =
      "";  // absolute; below all layers, a root file system of somebody else's that is not changed
  const char* upper = "";  // relative to base
  const char* work = "";
  const char* directory = "";  // absolute; used when there are no layers
  bool idmap = false;      // whether the directory's owners are seen through the container's id map
  bool recursive = false;  // with what is mounted below the directory
  uint64_t propagation = 0;  // as a Mount's
  bool is_volatile =
      false;  // overlayfs `volatile`: what is written need not survive a crash of the host
  bool readonly = false;
  /// Its directories may serve another container if it writes nothing: nobody but its own processes can get hold of anything in it.
  bool reusable = false;
  /// The launcher takes the overlay back then.
  bool returned = false;
  /// The overlay is there already, from another container.
  bool made = false;
};

struct Cgroup {
  /// cgroup v2: the task's own directory, which it is cloned into. Empty where there is no unified hierarchy.
  const char* unified = "";
  /// cgroup v1: the task's directory in each hierarchy in use; the supervisor joins the parent of each.
  List<const char*> v1;
  /// cgroup v1: where a change of limits may put the task while it runs.
  List<const char*> later;
};

/// An address of an interface, or of a gateway: AF_INET or AF_INET6, in network byte order.
struct Address {
  uint32_t family = 0, prefix = 0;
  uint32_t words[4] = {};
};

/// What the container has of one network: an interface on a bridge of the host's.
struct Attachment {
  const char* bridge = "";
  const char* host_interface = "";  // the end on the bridge
  const char* interface = "";       // the container's end
  uint32_t mtu = 0;
  uint64_t mac = 0;  // its last six bytes, the first of them topmost
  List<Address> addresses;
  List<Address> gateways;
};

/// Without an attachment there is only a loopback.
struct Network {
  List<Attachment> attachments;
  /// Messages of nf_tables that publish the container's ports, and those that take them back; in words, as they are sent.
  List<uint32_t> publish, unpublish;
};

struct Logs {
  uint64_t max_bytes = 0;  // of one file; 0: no logs
  uint32_t max_files = 0;  // kept, the live one included
};

struct Plan {
  const char* id = "";
  const char* name = "";
  const char* root = "";                 // the durable root
  const char* state_directory = "";      // of this container, volatile
  const char* container_directory = "";  // of this container, durable
  bool remove_when_done = false;
  /// It was there before this launch, and stays if that fails.
  bool kept = false;
  uint32_t own_volumes = 0;  // volumes/ID-1 and up below the root, made for this container alone
  bool timings = false;      // tell where the launch's time went
  uint64_t namespaces = 0;   // CLONE_NEW* to create
  List<JoinedNamespace> joined;
  List<Peer> peers;  // whose they are
  /// Lines for /proc/self/timens_offsets (time_namespaces(7)).
  const char* time_offsets = "";
  List<IdMap> uids, gids;
  Rootfs rootfs;
  List<Mount> mounts;
  List<Device> devices;
  List<Pair> links;  // path, target
  List<const char*> masked, readonly_paths;
  List<Pair> sysctls;  // path below /proc/sys, value
  const char* hostname = "";
  const char* domainname = "";
  Process process;
  Cgroup cgroup;
  Network network;
  Logs logs;
  bool input = false;  // what clients type or pipe reaches the program; else its stdin is empty
  const char* detach_keys = "";  // of the launching client, two hexadecimal digits each
  const char* event = "";        // JSON that says whom an event is about
  List<uint64_t> seccomp;        // struct sock_filter, one in each word
  Handover handover;
};

/// Visits every member of each structure in a fixed order: the one definition of the stream's layout.
template <typename Codec>
struct Layout {
  Codec& c;

  void operator()(IdMap& v) { c.fields(v.inside, v.outside, v.count); }
  void operator()(MountOption& v) { c.fields(v.key, v.value); }
  void operator()(Mount& v) {
    auto kind = static_cast<uint32_t>(v.kind);
    c.fields(kind, v.late, v.recursive, v.idmap, v.plain, v.volume, v.elsewhere, v.source, v.type,
             v.target, v.options, v.set, v.clear, v.propagation, v.copy_up);
    v.kind = static_cast<MountKind>(kind);
  }
  void operator()(JoinedNamespace& v) { c.fields(v.type, v.path); }
  void operator()(Peer& v) { c.fields(v.pid, v.started); }
  void operator()(Hook& v) { c.fields(v.path, v.args, v.env, v.timeout); }
  void operator()(Handover& v) {
    c.fields(v.wanted, v.terminal, v.rows, v.columns, v.preserved, v.runtime_hooks, v.create_hooks,
             v.start_hooks);
  }
  void operator()(Device& v) { c.fields(v.path, v.type, v.major, v.minor, v.mode, v.uid, v.gid); }
  void operator()(Pair& v) { c.fields(v.key, v.value); }
  void operator()(ResourceLimit& v) { c.fields(v.name, v.resource, v.soft, v.hard); }
  void operator()(Capabilities& v) {
    c.fields(v.bounding, v.effective, v.permitted, v.inheritable, v.ambient);
  }
  void operator()(Process& v) {
    auto oom_score = static_cast<uint32_t>(v.oom_score);
    c.fields(v.args, v.env, v.cwd, v.cwd_is_there, v.user, v.uid, v.gid, v.umask, v.groups,
             v.group_names, v.capabilities, v.limits, v.no_new_privileges, v.init, v.before,
             v.after, v.adjust_oom_score, oom_score, v.set_personality, v.personality, v.terminal,
             v.rows, v.columns);
    v.oom_score = static_cast<int32_t>(oom_score);
  }
  void operator()(Rootfs& v) {
    c.fields(v.base, v.layers, v.mounted, v.tree, v.upper, v.work, v.directory, v.idmap,
             v.recursive, v.propagation, v.is_volatile, v.readonly, v.reusable, v.returned, v.made);
  }
  void operator()(Cgroup& v) { c.fields(v.unified, v.v1, v.later); }
  void operator()(Address& v) {
    c.fields(v.family, v.prefix, v.words[0], v.words[1], v.words[2], v.words[3]);
  }
  void operator()(Attachment& v) {
    c.fields(v.bridge, v.host_interface, v.interface, v.mtu, v.mac, v.addresses, v.gateways);
  }
  void operator()(Network& v) { c.fields(v.attachments, v.publish, v.unpublish); }
  void operator()(Logs& v) { c.fields(v.max_bytes, v.max_files); }
  void operator()(Plan& v) {
    c.fields(v.id, v.name, v.root, v.state_directory, v.container_directory, v.remove_when_done,
             v.kept, v.own_volumes, v.timings, v.namespaces, v.joined, v.peers, v.time_offsets,
             v.uids, v.gids, v.rootfs, v.mounts, v.devices, v.links, v.masked, v.readonly_paths,
             v.sysctls, v.hostname, v.domainname, v.process, v.cgroup, v.network, v.logs, v.input,
             v.detach_keys, v.event, v.seccomp, v.handover);
  }
};

}  // namespace berth::launch
