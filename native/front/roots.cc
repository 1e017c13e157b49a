#include "front/roots.h"

#include <cstdlib>

namespace berth::front {
namespace {

std::optional<std::string> place(const FlagWords& flags, const Flag& flag, const char* variable,
                                 const char* otherwise) {
  const auto given = flags.last(flag.name);
  const char* const set = getenv(variable);
  std::string path = given ? *given : set != nullptr ? set : otherwise;
  if (!is_plain_path(path)) return {};
  return path;
}

}  // namespace

bool is_plain_path(const std::string& path) {
  if (path.size() < 2 || path[0] != '/' || !all_utf8({path})) return false;
  for (size_t from = 1; from <= path.size();) {
    const size_t slash = std::min(path.find('/', from), path.size());
    const std::string part = path.substr(from, slash - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = slash + 1;
  }
  return true;
}

std::optional<Roots> plain_roots(const FlagWords& flags) {
  const auto root = place(flags, kRootFlag, "BERTH_ROOT", "/var/lib/berth");
  const auto state = place(flags, kStateFlag, "BERTH_STATE", "/run/berth");
  if (!root || !state) return {};
  return Roots{*root, *state};
}

}  // namespace berth::front
