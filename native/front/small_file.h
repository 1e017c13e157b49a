// Files of berth's own and of /proc, read whole.
#pragma once

#include <optional>
#include <string>

namespace berth::front {

/// The content of a regular file of `most` bytes at most. Nothing: it is not there, is something else, or cannot be read.
std::optional<std::string> read_small_file(const std::string& path, size_t most = 1 << 20);

}  // namespace berth::front
