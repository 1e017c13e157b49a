#include "runtime/record.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "launch/handover.h"
#include "launch/json.h"
#include "runtime/cgroup_tree.h"
#include "runtime/json_text.h"
#include "runtime/trouble.h"
#include "sys/lock.h"
#include "sys/process.h"
#include "sys/remove_tree.h"

namespace berth::runtime {
namespace {

using launch::Json;
using sys::Fd;

constexpr size_t kMostRecord = 4 << 20;

std::string boot_id() {
  std::string text = read_whole_file("/proc/sys/kernel/random/boot_id", 64);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Fd open_proc() {
  return need(sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"), "/proc");
}

std::string cgroups_text(const launch::CgroupPlaces& places) {
  JsonObject v1;
  for (const auto& [controller, path] : places.v1) v1.member(controller, json_string(path));
  return JsonObject()
      .member("unified", json_string(places.unified))
      .member("unified_controls", places.unified_controls ? "true" : "false")
      .member("v1", v1.text())
      .text();
}

launch::CgroupPlaces read_cgroups(const Json& json) {
  launch::CgroupPlaces places;
  places.unified = std::string(json["unified"].text());
  places.unified_controls = json["unified_controls"].boolean();
  places.parents_ready = true;
  json["v1"].each_member([&](std::string_view controller, const Json& path) {
    places.v1.emplace_back(controller, path.text());
  });
  return places;
}

/// Does the first process still wait to be started? It listens until it becomes the program.
bool awaits_start(const std::string& folder) {
  const Fd directory(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path =
      "/proc/self/fd/" + std::to_string(directory.get()) + "/" + launch::kStartSocket;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  // EAGAIN: it has not come round to those who asked before.
  return connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

}  // namespace

const char* name_of(Status status) {
  constexpr const char* kNames[] = {"creating", "created", "running", "paused", "stopped"};
  return kNames[static_cast<int>(status)];
}

ContainerFolder::ContainerFolder(std::string root, std::string id)
    : root_(std::move(root)), id_(std::move(id)), path_(root_ + "/" + id_) {
  const bool good = !id_.empty() && id_.size() <= 255 && id_[0] != '.' &&
                    std::all_of(id_.begin(), id_.end(),
                                [](char c) { return isalnum(c) || strchr("_+.-", c) != nullptr; });
  if (!good) throw Trouble("invalid container id `" + id_ + "`");
}

Fd ContainerFolder::make() const {
  for (size_t slash = root_.find('/', 1);; slash = root_.find('/', slash + 1)) {
    const std::string level = root_.substr(0, slash);
    if (mkdir(level.c_str(), 0700) != 0 && errno != EEXIST) fail(level, sys::last_error("mkdir"));
    if (slash == std::string::npos) break;
  }
  if (mkdir(path_.c_str(), 0700) != 0) {
    if (errno == EEXIST) throw Trouble("container `" + id_ + "` already exists");
    fail(path_, sys::last_error("mkdir"));
  }
  return lock();
}

Fd ContainerFolder::lock() const {
  auto held = sys::lock_file((path_ + "/lock").c_str(), sys::LockKind::kExclusive, true);
  if (!held && held.error().number == ENOENT)
    throw Trouble("container `" + id_ + "` does not exist");
  return need(std::move(held), path_ + "/lock");
}

std::optional<Record> ContainerFolder::read() const {
  const std::string path = path_ + "/state.json";
  if (access(path.c_str(), F_OK) != 0) {
    if (access(path_.c_str(), F_OK) != 0) return {};
    Record record;  // its maker died before it could say anything, or is about to
    record.id = id_;
    record.annotations = "{}";
    return record;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  launch::Faults faults;
  if (const auto error = parser.parse(read_whole_file(path, kMostRecord)).get(document))
    throw Trouble(path + ": " + simdjson::error_message(error));
  const Json json(document, path + ":", faults);
  Record record;
  record.id = id_;
  record.bundle = std::string(json["bundle"].required_text());
  record.rootfs = std::string(json["rootfs"].text());
  record.oci_version = std::string(json["oci_version"].text());
  record.created = std::string(json["created"].text());
  record.annotations = json["annotations"].minified();
  record.has_hooks = json["has_hooks"].boolean();
  record.cgroups = read_cgroups(json["cgroups"]);
  record.pid = static_cast<pid_t>(json["pid"].integer(0, INT32_MAX));
  record.start_time = json["start_time"].unsigned_integer();
  record.boot_id = std::string(json["boot_id"].text());
  if (json["format"].integer(0, INT32_MAX) != 1) json["format"].fault("must be 1");
  if (faults.any()) throw Trouble(faults.first());
  return record;
}

void ContainerFolder::write(const Record& record) const {
  write_whole_file(path_ + "/state.json",
                   JsonObject()
                           .member("format", "1")
                           .member("id", json_string(record.id))
                           .member("oci_version", json_string(record.oci_version))
                           .member("bundle", json_string(record.bundle))
                           .member("rootfs", json_string(record.rootfs))
                           .member("created", json_string(record.created))
                           .member("annotations", record.annotations)
                           .member("has_hooks", record.has_hooks ? "true" : "false")
                           .member("cgroups", cgroups_text(record.cgroups))
                           .member("pid", std::to_string(record.pid))
                           .member("start_time", std::to_string(record.start_time))
                           .member("boot_id", json_string(record.boot_id))
                           .text() +
                       "\n",
                   0600);
}

std::string ContainerFolder::config() const {
  return read_whole_file(path_ + "/config.json", kMostRecord);
}

void ContainerFolder::write_config(const std::string& text) const {
  write_whole_file(path_ + "/config.json", text, 0600);
}

void ContainerFolder::remove() const {
  const std::string trash = root_ + "/.trash-" + id_ + "-" + std::to_string(getpid());
  if (rename(path_.c_str(), trash.c_str()) != 0) fail(path_, sys::last_error("rename"));
  need(sys::remove_tree(AT_FDCWD, trash.c_str()), trash);
}

Status ContainerFolder::status(const Record& record) const {
  if (record.pid == 0) {
    // Whoever makes it holds the lock.
    const auto held = sys::lock_file((path_ + "/lock").c_str(), sys::LockKind::kExclusive, false);
    return held ? Status::kStopped : Status::kCreating;
  }
  if (!open_first_process(record)) return Status::kStopped;
  if (is_frozen(record.cgroups)) return Status::kPaused;
  return awaits_start(path_) ? Status::kCreated : Status::kRunning;
}

Fd open_first_process(const Record& record) {
  if (record.pid == 0 || record.boot_id != boot_id()) return Fd();
  auto process = sys::open_process(open_proc().get(), record.pid, record.start_time);
  if (!process) return Fd();
  // A pidfd is readable from when the process has ended, collected or not.
  pollfd ended = {process->get(), POLLIN, 0};
  if (poll(&ended, 1, 0) != 0) return Fd();
  return std::move(*process);
}

void identify(Record& record, pid_t pid) {
  record.start_time = need(sys::start_time(open_proc().get(), pid), "process");
  record.boot_id = boot_id();
  record.pid = pid;
}

std::string state_text(const Record& record, const char* status) {
  JsonObject state;
  state.member("ociVersion", json_string(record.oci_version))
      .member("id", json_string(record.id))
      .member("status", json_string(status));
  if (strcmp(status, "stopped") != 0) state.member("pid", std::to_string(record.pid));
  return state.member("bundle", json_string(record.bundle))
      .member("rootfs", json_string(record.rootfs))
      .member("created", json_string(record.created))
      .member("annotations", record.annotations)
      .text();
}

std::vector<std::string> container_ids(const std::string& root) {
  std::vector<std::string> ids;
  DIR* folder = opendir(root.c_str());
  if (folder == nullptr) {
    if (errno == ENOENT) return ids;
    fail(root, sys::last_error("opendir"));
  }
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ids.emplace_back(entry->d_name);
  }
  closedir(folder);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace berth::runtime
