// The names in an open directory.
#pragma once

#include <string>
#include <vector>

#include "sys/result.h"

namespace berth::sys {

/// All names in `directory` but `.` and `..`, sorted by their bytes. The descriptor's own position stays as it is.
Result<std::vector<std::string>> directory_names(int directory);

}  // namespace berth::sys
