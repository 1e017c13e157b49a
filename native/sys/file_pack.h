// Files as the members of a tar archive, with nothing in it that depends on when or by whom it was made.
#pragma once

#include <string>
#include <vector>

#include "sys/byte_sink.h"

namespace berth::sys {

struct PackedFile {
  std::string name;
  std::string path;  // where its content is; empty: it is `content`
  std::string content;
};

/// Folders that names imply are written as members of their own, as other tools do.
Result<void> pack_files(const std::vector<PackedFile>& files, ByteSink& sink);

}  // namespace berth::sys
