#include "runtime/events.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "runtime/json_text.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"
#include "sys/write_all.h"

namespace berth::runtime {
namespace {

using sys::Fd;

/// A counter of the kernel's that can be waited for: processes killed for want of memory.
class OomWatch {
 public:
  explicit OomWatch(const launch::CgroupPlaces& places) {
    if (places.unified_controls) {
      events_ = places.unified + "/memory.events";
      waited_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
      if (waited_ && inotify_add_watch(waited_.get(), events_.c_str(), IN_MODIFY) < 0)
        waited_.reset();
    }
    for (const auto& [controller, path] : places.v1) {
      if (controller != "memory") continue;
      // Documentation/admin-guide/cgroup-v1/memory.rst, OOM control.
      events_ = path + "/memory.oom_control";
      control_.reset(open(events_.c_str(), O_RDONLY | O_CLOEXEC));
      waited_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      const Fd asked(open((path + "/cgroup.event_control").c_str(), O_WRONLY | O_CLOEXEC));
      const std::string line = std::to_string(waited_.get()) + " " + std::to_string(control_.get());
      if (!asked || !sys::write_all(asked.get(), line.data(), line.size())) waited_.reset();
    }
    kills_ = count();
  }
  int descriptor() const { return waited_.get(); }
  /// How many there have been since it was last asked.
  uint64_t take() {
    char ignored[4096];
    while (waited_ && read(waited_.get(), ignored, sizeof ignored) > 0) {
    }
    const uint64_t before = kills_;
    kills_ = count();
    return kills_ > before ? kills_ - before : 0;
  }

 private:
  uint64_t count() const {
    std::ifstream file(events_);
    std::string key;
    for (uint64_t value = 0; file >> key >> value;) {
      if (key == "oom_kill") return value;
    }
    return 0;
  }

  std::string events_;
  Fd control_, waited_;
  uint64_t kills_ = 0;
};

void print(const std::string& id, const char* type, const std::string& data) {
  JsonObject line;
  line.member("type", json_string(type)).member("id", json_string(id));
  if (!data.empty()) line.member("data", data);
  const std::string text = line.text() + "\n";
  need(sys::write_all(1, text.data(), text.size()), "stdout");
}

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

}  // namespace

int64_t milliseconds_of(const std::string& duration) {
  double total = 0;
  const char* cursor = duration.c_str();
  while (*cursor != '\0') {
    if (isdigit(*cursor) == 0) break;
    char* end = const_cast<char*>(cursor);
    const double number = strtod(cursor, &end);
    const std::string rest(end);
    const double unit = rest.starts_with("ms")  ? 1
                        : rest.starts_with("s") ? 1000
                        : rest.starts_with("m") ? 60000
                        : rest.starts_with("h") ? 3600000
                                                : 0;
    if (unit == 0) break;
    total += number * unit;
    cursor = end + (rest.starts_with("ms") ? 2 : 1);
  }
  constexpr double kLongest = 86400000;  // a day
  if (*cursor != '\0' || total < 1 || total > kLongest)
    throw Trouble("--interval " + duration + ": must be a duration such as 5s or 500ms");
  return static_cast<int64_t>(total);
}

void events(const ContainerFolder& folder, const EventsRequest& request) {
  const Record record = existing(folder);
  const Fd process = open_first_process(record);
  if (!process) throw Trouble("container `" + folder.id() + "` is not running");
  if (request.once) return print(folder.id(), "stats", stats_text(record.cgroups));
  OomWatch memory(record.cgroups);
  for (int64_t next = now() + request.interval;;) {
    pollfd ready[] = {{process.get(), POLLIN, 0}, {memory.descriptor(), POLLIN, 0}};
    const int64_t left = next - now();
    (void)sys::retry_interrupted(
        [&] { return poll(ready, 2, left > 0 ? static_cast<int>(left) : 0); });
    for (uint64_t kills = memory.take(); kills > 0; --kills) print(folder.id(), "oom", "");
    if (ready[0].revents != 0) return;
    if (now() < next) continue;
    print(folder.id(), "stats", stats_text(record.cgroups));
    next = now() + request.interval;
  }
}

}  // namespace berth::runtime
