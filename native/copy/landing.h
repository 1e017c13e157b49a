// Where a copy goes, and what it is called there.
#pragma once

#include <string>

#include "copy/request.h"
#include "sys/fd.h"
#include "sys/refusal.h"

namespace berth::copy {

/// What arrives: its name in the archive (`.`: what is in a folder, without the folder itself), and whether it is one.
struct Arrival {
  std::string name;
  bool folder = false;
};

struct Landing {
  sys::Fd folder;    // O_PATH
  std::string path;  // of that folder, as the caller wrote it
  /// What the first component of every name becomes. Empty: it stays. With an arrival `.`: what is in it comes below this name, and if empty, straight
  /// into the folder.
  std::string name;
};

/// Decides as `docker cp` does: into a folder that is there, over a file that is there, or under a new name in a folder that is there. A link at the path is
/// followed, also one that leads to what is not there yet. Refuses with NO_FOLDER, FILE_IN_THE_WAY.
sys::Result<Landing> find_landing(const Request& request, int root, const Arrival& arrival,
                                  sys::Refusal& refusal);

/// For a stream: the path must be a folder that is there.
sys::Result<Landing> find_folder(const Request& request, int root, sys::Refusal& refusal);

}  // namespace berth::copy
