#include "front/container.h"

#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "front/small_file.h"
#include "launch/json.h"
#include "sys/proc_file.h"
#include "sys/process.h"

namespace berth::front {
namespace {

using launch::Faults;
using launch::Json;

bool is_folder(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Hidden ones are on their way out.
bool is_container(const Roots& roots, const std::string& id) {
  if (id.empty() || id[0] == '.' || id.find('/') != std::string::npos) return false;
  return is_folder(roots.state + "/containers/" + id) ||
         is_folder(roots.root + "/containers/" + id);
}

std::optional<std::string> holder_of(const Roots& roots, const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) return {};
  char id[NAME_MAX + 1];
  const ssize_t length = readlink((roots.root + "/names/" + name).c_str(), id, sizeof id);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof id)) return {};
  return std::string(id, static_cast<size_t>(length));
}

void add_ids(const std::string& folder, const std::string& prefix, std::set<std::string>& ids) {
  const sys::Fd directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return;
  auto names = sys::folder_names(directory.get());
  if (!names) return;
  for (const std::string& name : *names) {
    if (name[0] != '.' && name.starts_with(prefix)) ids.insert(name);
  }
}

std::optional<std::string> find_id(const Roots& roots, const std::string& wanted) {
  if (is_container(roots, wanted)) return wanted;
  auto named = holder_of(roots, wanted);
  if (named && is_container(roots, *named)) return named;
  if (wanted.empty()) return {};
  std::set<std::string> ids;
  for (const std::string& place : {roots.state, roots.root})
    add_ids(place + "/containers", wanted, ids);
  if (ids.size() != 1) return {};
  return *ids.begin();
}

/// A zombie is no living process.
bool is_alive(pid_t pid, uint64_t started) {
  const auto stat = read_small_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return false;
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size() || (*stat)[name_end + 2] == 'Z')
    return false;
  const sys::Fd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto now = sys::start_time(proc.get(), pid);
  return now && *now == started;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The kernel's word: nothing else keeps it.
bool is_held(const Json& places) {
  const Json unified = places["unified"];
  const bool is_v2 = unified.present();
  const std::string directory(is_v2 ? unified.text() : places["v1"]["freezer"].text());
  if (directory.empty()) return false;
  const auto state = read_small_file(directory + (is_v2 ? "/cgroup.freeze" : "/freezer.state"));
  const std::string word = state ? trimmed(*state) : "";
  return !word.empty() && word != (is_v2 ? "0" : "THAWED");
}

/// One of berth's own documents; nothing: it is not there, or not of the format that is known here.
std::optional<Json> document(const std::string& path, simdjson::dom::parser& parser,
                             Faults& faults) {
  const auto text = read_small_file(path);
  simdjson::dom::element element;
  if (!text || parser.parse(*text).get(element) != simdjson::SUCCESS) return {};
  Json json(element, "", faults);
  if (json["format"].integer(0, INT32_MAX) != 1) return {};
  return json;
}

}  // namespace

std::optional<RunningContainer> find_running(const Roots& roots, const std::string& wanted) {
  const auto id = find_id(roots, wanted);
  if (!id) return {};
  RunningContainer found;
  found.id = *id;
  found.folder = roots.state + "/containers/" + *id;
  struct stat status;
  if (lstat((found.folder + "/exit.json").c_str(), &status) == 0) return {};
  if (lstat((roots.root + "/containers/" + *id + "/never-started").c_str(), &status) == 0)
    return {};

  Faults faults;
  simdjson::dom::parser record_parser, state_parser;
  const auto record = document(found.folder + "/container.json", record_parser, faults);
  const auto state = document(found.folder + "/state.json", state_parser, faults);
  const auto boot = read_small_file("/proc/sys/kernel/random/boot_id");
  if (!record || !state || !boot) return {};
  found.name = std::string((*record)["name"].required_text());
  found.image = std::string((*record)["image"].required_text());
  const Json task = (*state)["task"], supervisor = (*state)["supervisor"];
  found.pid = static_cast<pid_t>(task["pid"].integer(1, INT32_MAX));
  found.started = task["start_time"].unsigned_integer();
  const bool runs = (*state)["boot_id"].text() == trimmed(*boot) &&
                    is_alive(static_cast<pid_t>(supervisor["pid"].integer(1, INT32_MAX)),
                             supervisor["start_time"].unsigned_integer());
  if (!runs || is_held((*record)["cgroup_places"]) || faults.any()) return {};
  return found;
}

}  // namespace berth::front
