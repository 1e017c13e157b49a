// A layer made from a list of what is to be in it: files of one folder with other owners and modes, and things that are only stated.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/byte_sink.h"
#include "sys/refusal.h"

namespace berth::sys {

struct RecipeEntry {
  enum class Kind { kCopy, kFolder, kLink, kText };

  Kind kind = Kind::kCopy;
  std::string
      to;  // `usr/bin/x`: no `.`, no `..`, no slash at either end; empty for the image's root
  std::string from;  // kCopy: below the folder; kLink: what it leads to; kText: the content
  uint64_t uid = 0, gid = 0;
  /// Of files and folders. What is copied has 0755 if its owner may execute it or it is a folder, else 0644, unless stated.
  std::optional<mode_t> mode, folder_mode;
};

/// Writes a tar archive: sorted, everything at `time` (seconds of the epoch), missing parents 0755 and root's; of several entries for one
/// path the last counts. What is copied is reached from `folder` by descriptors alone, through no symbolic link; links below it are
/// copied as they are. Refuses with BAD_FILE: devices, fifos, sockets, a way that leads through a link or out, something below what is
/// no folder.
Result<void> pack_recipe(int folder, const std::vector<RecipeEntry>& entries, int64_t time,
                         ByteSink& sink, Refusal& refusal);

}  // namespace berth::sys
