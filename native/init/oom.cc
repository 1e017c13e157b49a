#include "init/oom.h"

#include <limits.h>

#include <cstring>

namespace berth::init {
namespace {

using sys::Result;

constexpr unsigned kKernelPriorities = 8;  // of facility 0, which no process can write with
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

template <size_t N>
bool copy_piece(char (&to)[N], const char* from, const char* end) {
  const auto length = static_cast<size_t>(end - from);
  if (length >= N) return false;
  for (size_t i = 0; i < length; ++i) to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
  to[length] = '\0';
  return true;
}

/// The last place of `what` in the text.
const char* find_last(const char* text, const char* what) {
  const char* found = nullptr;
  for (const char* at = strstr(text, what); at != nullptr; at = strstr(at + 1, what)) found = at;
  return found;
}

/// Skips digits; null where there are none.
const char* after_number(const char* text) {
  if (*text < '0' || *text > '9') return nullptr;
  while (*text >= '0' && *text <= '9') ++text;
  return text;
}

/// The text of a record that the kernel itself wrote, up to its first newline; empty: it is none.
sys::Text<4096> kernel_text(const char* record) {
  const char* text = strchr(record, ';');
  const char* comma = after_number(record);
  if (text == nullptr || comma == nullptr || *comma != ',' ||
      sys::leading_number(record) >= kKernelPriorities)
    return sys::Text<4096>("");
  return sys::Text<4096>(sys::Piece{text + 1, strcspn(text + 1, "\n")});
}

/// Whose limit: what stands before the victim's own cgroup in the line.
void read_level(const char* line, const char* task_cgroup, const char* own_end, OomReport& report,
                int& depth) {
  static constexpr char kCgroup[] = ",oom_memcg=";
  const char* at = strstr(line, kCgroup);
  constexpr size_t kTaskKey = sizeof ",task_memcg=" - 1;
  const char* end = task_cgroup - kTaskKey;
  if (at == nullptr || at > end) {
    const char* global = strstr(line, ",global_oom");
    if (global != nullptr && global < end) report.level = OomLevel::kHost;
    return;
  }
  const char* path = at + sizeof kCgroup - 1;
  const auto length = static_cast<size_t>(end - path);
  const auto own = static_cast<size_t>(own_end - task_cgroup);
  if (!copy_piece(report.cgroup, path, end)) report.cgroup[0] = '\0';
  depth = 0;
  if (length >= own && strncmp(path, task_cgroup, own) == 0) {
    report.level = OomLevel::kContainer;
    return;
  }
  // Around it: one level for each slash that the container's path has more. The root's own path is a slash alone.
  report.level = OomLevel::kAbove;
  const size_t common = length == 1 ? 0 : length;
  for (size_t i = common; i < own; ++i) depth += task_cgroup[i] == '/' ? 1 : 0;
}

}  // namespace

bool read_oom_record(const char* record, const char* place, OomReport& report, int& depth) {
  const sys::Text<4096> text = kernel_text(record);
  const char* line = text.c_str();
  static constexpr char kStart[] = "oom-kill:constraint=", kOwn[] = ",task_memcg=",
                        kTask[] = ",task=", kPid[] = ",pid=", kUid[] = ",uid=";
  if (strncmp(line, kStart, sizeof kStart - 1) != 0) return false;
  const char* own = strstr(line, kOwn);
  if (own == nullptr) return false;
  own += sizeof kOwn - 1;
  const char* name = strstr(own, kTask);
  const char* found = strstr(own, place);
  if (found == nullptr || name == nullptr || found > name) return false;
  const char* own_end = found + strlen(place);
  if (own_end != name && *own_end != '/') return false;
  name += sizeof kTask - 1;
  // A process may call itself anything, with commas too: what follows its name is sought from the end.
  const char* pid = find_last(name, kPid);
  if (pid == nullptr) return false;
  const char* uid = after_number(pid + sizeof kPid - 1);
  if (uid == nullptr || strncmp(uid, kUid, sizeof kUid - 1) != 0) return false;
  const char* end = after_number(uid + sizeof kUid - 1);
  if (end == nullptr || *end != '\0') return false;

  OomReport found_report;
  if (!copy_piece(found_report.process, name, pid)) return false;
  found_report.pid = static_cast<pid_t>(sys::leading_number(pid + sizeof kPid - 1));
  read_level(line, own, own_end, found_report, depth);
  report = found_report;
  return true;
}

void OomWitness::prepare(const char* cgroup) {
  if (events_) return;
  // v2 memory.events, v1 memory.oom_control; other hierarchies have neither.
  for (const char* file : {"memory.events", "memory.oom_control"}) {
    v1_ = static_cast<bool>(events_) ? v1_ : strcmp(file, "memory.oom_control") == 0;
    if (!events_)
      events_.reset(open(sys::Text<PATH_MAX>(cgroup, "/", file).c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!events_) return;
  cgroup_.reset(open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC));
  devices_.reset(open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC));
  // The directory that containers of a root share, and the container's own: together nobody else's.
  const char* start = cgroup + strlen(cgroup);
  for (int slashes = 0; start != cgroup && slashes < 2;) {
    if (*--start == '/') ++slashes;
  }
  place_.add(start);
}

Result<uint64_t> OomWitness::kills() const {
  char text[512];
  if (!events_) return sys::Error{ENOENT, "pread"};
  const ssize_t length = pread(events_.get(), text, sizeof text - 1, 0);
  if (length < 0) return sys::last_error("pread");
  text[length] = '\0';
  static constexpr char kCount[] = "oom_kill ";
  const char* count = strstr(text, kCount);
  return count == nullptr ? 0 : sys::leading_number(count + sizeof kCount - 1);
}

OomReport OomWitness::look(pid_t first) {
  OomReport report;
  auto count = kills();
  if (!count || *count <= told_) return report;
  if (!log_ && devices_)
    log_.reset(openat(devices_.get(), "kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  int depth = 0;
  while (log_) {
    char record[4096];
    const ssize_t length = read(log_.get(), record, sizeof record - 1);
    // EPIPE: older records were overwritten meanwhile; EINVAL: a longer one than there should be.
    if (length < 0 && (errno == EPIPE || errno == EINVAL || errno == EINTR)) continue;
    if (length <= 0) break;
    record[length] = '\0';
    if (report.pid == 0 || report.pid != first)
      read_oom_record(record, place_.c_str(), report, depth);
  }
  report.kills = *count - told_;
  told_ = *count;
  // Without a word of the kernel's: it is the container's limit, if it has one.
  sys::Text<256> up;
  for (int i = 0; i < depth; ++i) up.add("../");
  for (const char* file : {"memory.max", "memory.limit_in_bytes"}) {
    if (report.level == OomLevel::kHost || report.limit != 0) break;
    const sys::Fd limit(
        openat(cgroup_.get(), sys::Text<300>(up.c_str(), file).c_str(), O_RDONLY | O_CLOEXEC));
    char text[32] = "";
    if (limit && read(limit.get(), text, sizeof text - 1) > 0)
      report.limit = sys::leading_number(text);
    if (report.limit >= kNoLimit) report.limit = 0;
  }
  if (whole_.kills == 0 || (report.pid != 0 && whole_.pid != first)) whole_ = report;
  whole_.kills = told_;
  return report;
}

Result<void> OomWitness::tell(int eventfd) const {
  const sys::Text<32> line(eventfd, ' ', events_.get());
  BERTH_ASSIGN(
      const sys::Fd asked,
      sys::adopt(openat(cgroup_.get(), "cgroup.event_control", O_WRONLY | O_CLOEXEC), "openat"));
  if (write(asked.get(), line.c_str(), line.size()) != static_cast<ssize_t>(line.size()))
    return sys::last_error("write");
  return {};
}

void OomWitness::let_go() {
  events_.reset();
  cgroup_.reset();
  log_.reset();
}

}  // namespace berth::init
