// What berth-runtime remembers of a container: `ROOT/ID/state.json`, and the config.json that it was made from beside it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "launch/cgroup.h"
#include "sys/fd.h"

namespace berth::runtime {

struct Record {
  std::string id, bundle, rootfs;
  std::string oci_version;
  std::string created;           // RFC 3339
  std::string annotations;       // a JSON object
  bool has_hooks = false;        // those that later verbs run: poststart, poststop
  launch::CgroupPlaces cgroups;  // where they were made
  /// The first process, named for longer than its pid lives. 0: the container is still being made, or was when its maker died.
  pid_t pid = 0;
  uint64_t start_time = 0;
  std::string boot_id;
};

enum class Status { kCreating, kCreated, kRunning, kPaused, kStopped };
const char* name_of(Status status);

/// One container's folder below the root that the command line names.
class ContainerFolder {
 public:
  /// Throws Trouble for what is no container id.
  ContainerFolder(std::string root, std::string id);

  const std::string& path() const { return path_; }
  const std::string& id() const { return id_; }

  /// Makes it, for this process alone as long as it holds the lock that is given. Throws when there is such a container.
  sys::Fd make() const;
  /// Waits for whoever changes the container. Throws when there is none.
  sys::Fd lock() const;

  /// Nothing when there is no such container. Throws when its record is damaged.
  std::optional<Record> read() const;
  void write(const Record& record) const;
  /// The config.json that it was made from.
  std::string config() const;
  void write_config(const std::string& text) const;
  /// All of it. Renamed first, so that a crash leaves no half container.
  void remove() const;

  /// `record`, or its maker's death, as it is now.
  Status status(const Record& record) const;

 private:
  std::string root_, id_, path_;
};

/// The first process, if it is still that one and has not ended.
sys::Fd open_first_process(const Record& record);

/// When a process began, and this boot of the host.
void identify(Record& record, pid_t pid);

/// The state of the specification (runtime.md), as hooks get it and `state` prints it.
std::string state_text(const Record& record, const char* status);

/// The ids of all containers below `root`.
std::vector<std::string> container_ids(const std::string& root);

std::string read_whole_file(const std::string& path, size_t most);
/// Whole or not at all.
void write_whole_file(const std::string& path, const std::string& text, mode_t mode);

}  // namespace berth::runtime
