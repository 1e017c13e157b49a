// Paths from an archive, taken apart.
#pragma once

#include <string>
#include <vector>

namespace berth::sys {

/// Puts the components of `path` on `pending`, first component last. Empty ones are left out.
inline void push_components(std::vector<std::string>& pending, const std::string& path) {
  size_t end = path.size();
  while (end > 0) {
    const size_t slash = path.rfind('/', end - 1);
    const size_t start = slash == std::string::npos ? 0 : slash + 1;
    if (end > start) pending.push_back(path.substr(start, end - start));
    if (slash == std::string::npos) break;
    end = slash;
  }
}

}  // namespace berth::sys
