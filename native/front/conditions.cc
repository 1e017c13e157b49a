#include "front/conditions.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "front/small_file.h"
#include "sys/fd.h"
#include "sys/sha256.h"

namespace berth::front {
namespace {

using launch::Json;
using std::string_view;

std::string digest_of(string_view bytes) {
  sys::Sha256 digest;
  digest.update({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return digest.hex();
}

std::string nanoseconds(const timespec& time) {
  constexpr uint64_t kBillion = 1000000000;
  return std::to_string(static_cast<uint64_t>(time.tv_sec) * kBillion +
                        static_cast<uint64_t>(time.tv_nsec));
}

/// Of this very program as a file: device, inode, size, and when it was written and changed.
std::string own_identity() {
  struct stat status;
  if (stat("/proc/self/exe", &status) != 0) return "";
  return std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
         std::to_string(status.st_size) + " " + nanoseconds(status.st_mtim) + " " +
         nanoseconds(status.st_ctim);
}

std::vector<string_view> lines_of(string_view text) {
  std::vector<string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The fifth field: where it is mounted (proc_pid_mountinfo(5)).
string_view mount_point(string_view line) {
  for (int field = 0; field < 4; ++field) {
    const size_t blank = line.find(' ');
    if (blank == string_view::npos) return "";
    line.remove_prefix(blank + 1);
  }
  return line.substr(0, line.find(' '));
}

bool is_cgroup(string_view line) { return line.find(" - cgroup") != string_view::npos; }

bool leads_to(string_view point, string_view place) {
  return place == point || point == "/" ||
         (place.size() > point.size() && place.starts_with(point) && place[point.size()] == '/');
}

/// The mounts of control groups, and what lies on the way to them: it might hide them.
std::string cgroup_mounts(string_view mountinfo) {
  const auto lines = lines_of(mountinfo);
  std::vector<string_view> points;
  for (const string_view line : lines) {
    if (is_cgroup(line)) points.push_back(mount_point(line));
  }
  std::string kept;
  for (const string_view line : lines) {
    const string_view point = mount_point(line);
    const bool matters =
        is_cgroup(line) || std::any_of(points.begin(), points.end(),
                                       [&](string_view each) { return leads_to(point, each); });
    if (!matters) continue;
    if (!kept.empty()) kept += '\n';
    kept += line;
  }
  return kept;
}

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool same_file(const std::string& path, const Json& stated) {
  if (!stated.present()) return access(path.c_str(), F_OK) != 0 && errno == ENOENT;
  const auto text = read_small_file(path);
  return text && digest_of(*text) == stated.text();
}

bool same_place(const std::string& path, string_view stated) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 &&
         std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stated;
}

}  // namespace

std::string code_identity(const std::string& installation) {
  constexpr string_view kStart = "const bundleIdentity = \"";
  constexpr size_t kDigits = 64;
  const sys::Fd file(open((installation + "/dist/bundle/berth.cjs").c_str(), O_RDONLY | O_CLOEXEC));
  char line[kStart.size() + kDigits];
  if (!file || pread(file.get(), line, sizeof line, 0) != static_cast<ssize_t>(sizeof line))
    return "";
  const string_view text(line, sizeof line);
  return text.starts_with(kStart) ? std::string(text.substr(kStart.size())) : "";
}

bool conditions_hold(const Json& conditions) {
  const auto boot = read_small_file("/proc/sys/kernel/random/boot_id");
  const auto mounts = read_small_file("/proc/self/mountinfo", 16 << 20);
  if (!boot || !mounts || conditions["boot_id"].required_text() != trimmed(*boot) ||
      conditions["front"].required_text() != own_identity() ||
      conditions["mounts"].required_text() != digest_of(cgroup_mounts(*mounts)))
    return false;
  bool hold = true;
  for (const char* kind : {"files", "paths", "places"}) hold = hold && conditions[kind].present();
  conditions["files"].each_member([&](string_view path, const Json& stated) {
    hold = hold && same_file(std::string(path), stated);
  });
  conditions["paths"].each_member([&](string_view path, const Json& stated) {
    hold = hold && (access(std::string(path).c_str(), F_OK) == 0) == stated.boolean();
  });
  conditions["places"].each_member([&](string_view path, const Json& stated) {
    hold = hold && same_place(std::string(path), stated.required_text());
  });
  return hold;
}

}  // namespace berth::front
