#include "launch/running_supervisor.h"

#include <dirent.h>
#include <simdjson.h>

#include <memory>

#include "sys/sealed_file.h"

namespace berth::launch {
namespace {

using sys::Fd;

/// Its pid as state.json has it; 0: it does not say. Whoever has that pid now is judged by what it runs.
int64_t supervisor_of(simdjson::dom::parser& parser, const std::string& container) {
  int64_t pid = 0;
  const auto found = parser.load(container + "/state.json")["supervisor"]["pid"].get(pid);
  return found == simdjson::SUCCESS && pid > 0 ? pid : 0;
}

}  // namespace

Fd running_supervisor(const std::string& path, const std::string& containers) {
  /// Of containers that are looked at: making a copy costs as much as a few of these.
  constexpr int kMost = 8;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(containers.c_str()), closedir);
  const Fd source(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!folder || !source) return Fd();
  simdjson::dom::parser parser;
  for (int tries = 0; tries < kMost;) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    ++tries;
    const int64_t pid = supervisor_of(parser, containers + "/" + entry->d_name);
    if (pid == 0) continue;
    const std::string running = "/proc/" + std::to_string(pid) + "/exe";
    if (auto program = sys::same_program(running.c_str(), source.get())) return std::move(*program);
  }
  return Fd();
}

}  // namespace berth::launch
