// What this kernel really does, found by doing it: never from a version number. Nothing outlives a probe but its outcome.
#pragma once

#include "sys/result.h"

namespace berth::sys {

/// One thing tried. `outcome.number` is 0 where it worked.
struct Probe {
  const char* name;  // a string literal, e.g. "namespace net"
  Error outcome;
};

/// Room for every probe of `probe_kernel` and `probe_directory`.
constexpr int kMostProbes = 32;

/// Tries the calls and namespaces that need no place: clone3, each namespace, pidfd, openat2, the mount API, seccomp, an
/// executable memfd. Without `privileged`, namespaces are tried inside a new user namespace. Fills `probes`, returns how many.
int probe_kernel(bool privileged, Probe* probes);

/// Tries what networks of berth's own need: bridges with veth pairs, and nf_tables with NAT. Each in a network namespace of its own.
int probe_network(bool privileged, Probe* probes);

/// Tries, on the file system of `directory` (absolute), what layers and their overlay need: an id-mapped clone, an overlay
/// with its upper there, and both together as a launch has them, with `first_id` as root's. Makes a temporary folder there and
/// removes it. Needs root, and a thread of its own: it leaves the thread in another mount namespace.
int probe_directory(const char* directory, unsigned first_id, Probe* probes);

/// Clones into the v2 cgroup at `cgroup`, an absolute path, which should be the caller's own: nothing then moves.
Probe probe_clone_into(const char* cgroup);

}  // namespace berth::sys
