#include "launch/cgroup_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "launch/delegation.h"

namespace berth::launch {
namespace {

using sys::Fd;
using sys::Result;

constexpr long kCgroupMagic = 0x27e0eb, kCgroup2Magic = 0x63677270;  // statfs(2)

Failure refused(const Setting& setting, const sys::Error& error, const std::string& place,
                const std::string& value) {
  Failure failure(error, "the kernel does not take " + value + " in " + place, setting.meaning);
  failure.code = "LIMIT_REFUSED";
  if (error.number == EBUSY && setting.controller == "memory")
    failure.hint = "The container uses more than that, and cannot be made to give it back.";
  if (error.number == ENODEV) failure.hint = "Such a limit is for a whole disk; see lsblk.";
  return failure;
}

/// Containers look into theirs, whatever umask their launcher has.
bool make_open(const std::string& path) {
  constexpr mode_t kMode = 0755, kAll = 07777;
  struct stat status;
  if (mkdir(path.c_str(), kMode) != 0 || stat(path.c_str(), &status) != 0) return false;
  return (status.st_mode & kAll) == kMode || chmod(path.c_str(), kMode) == 0;
}

}  // namespace

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::variant<Fd, Failure> open_cgroup(const std::string& path) {
  Fd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct statfs status;
  if (!directory || fstatfs(directory.get(), &status) != 0)
    return Failure(sys::last_error("open"), "cgroup", path);
  if (status.f_type != kCgroupMagic && status.f_type != kCgroup2Magic) {
    Failure failure({EMEDIUMTYPE, "statfs"}, "cgroup", path);
    failure.hint = "No cgroup hierarchy is mounted there; see berth doctor.";
    return failure;
  }
  return directory;
}

std::optional<Failure> make_below_shared(const std::string& path, bool must_be_new) {
  constexpr int kTries = 20;
  const std::string parent = parent_of(path);
  for (int attempt = 0;; ++attempt) {
    if (make_open(path) || (errno == EEXIST && !must_be_new)) return {};
    // Nearly always the parent is there. ENOENT after it was made: it was taken away again at once.
    if (errno != ENOENT || attempt == kTries)
      return Failure(sys::last_error("mkdir"), "cgroup", path);
    if (!make_open(parent) && errno != EEXIST && errno != ENOENT)
      return Failure(sys::last_error("mkdir"), "cgroup", parent);
  }
}

Result<std::string> read_value(int directory, const std::string& file) {
  BERTH_ASSIGN(const Fd fd,
               sys::adopt(openat(directory, file.c_str(), O_RDONLY | O_CLOEXEC), "openat"));
  std::string text;
  char part[4096];
  for (;;) {
    const ssize_t length =
        sys::retry_interrupted([&] { return read(fd.get(), part, sizeof part); });
    if (length < 0) return sys::last_error("read");
    if (length == 0) break;
    text.append(part, static_cast<size_t>(length));
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> write_value(int directory, const std::string& file, const std::string& value) {
  BERTH_ASSIGN(const Fd fd,
               sys::adopt(openat(directory, file.c_str(), O_WRONLY | O_CLOEXEC), "openat"));
  for (size_t start = 0; start <= value.size();) {
    const size_t end = std::min(value.find('\n', start), value.size());
    // A list that is to be empty takes an empty line.
    const std::string line = value.empty() ? "\n" : value.substr(start, end - start);
    if (!line.empty() && sys::retry_interrupted([&] {
                           return write(fd.get(), line.data(), line.size());
                         }) != static_cast<ssize_t>(line.size()))
      return sys::last_error("write");
    start = end + 1;
  }
  return {};
}

std::optional<Failure> put_setting(int directory, const std::string& path, const Setting& setting) {
  bool written = false;
  const auto put = [&](const std::string& file,
                       const std::string& value) -> std::optional<Failure> {
    if (file.empty()) return {};
    const auto outcome = write_value(directory, file, value);
    written |= static_cast<bool>(outcome);
    if (outcome || outcome.error().number == ENOENT) return {};
    return refused(setting, outcome.error(), path + "/" + file, value);
  };
  if (auto failure = put(setting.file, setting.value)) return failure;
  if (auto failure = put(setting.or_file, setting.or_value)) return failure;
  if (written || setting.optional) return {};
  const std::string other = setting.or_file.empty() ? "" : " or " + setting.or_file;
  return unenforceable(setting, "the kernel has no " + setting.file + other + " here");
}

}  // namespace berth::launch
