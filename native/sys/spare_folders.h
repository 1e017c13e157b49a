// Folders of containers that have ended and that nothing was written to, kept for those to come: to make them and to take them away costs a disk more than
// much else of a launch. Each holds `upper`, empty and as overlayfs left it, and `work`.
#pragma once

#include <sys/types.h>

#include "sys/result.h"

namespace berth::sys {

/// Below an installation's root.
constexpr char kSpareFolders[] = "cache/spare";

/// All that a container can change in its upper directory without leaving something in it: its `/`.
struct UntouchedFolder {
  bool known = false;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  int64_t changed = 0;  // when, in nanoseconds of the wall clock
  long flags = 0;       // ioctl_iflags(2)
  size_t names_size = 0;
  char names[256] = "";  // of extended attributes (listxattr(2))
};

/// How the folder `name` below `directory` is now; not `known`: one that cannot be told.
UntouchedFolder look_at(int directory, const char* name);

/// Makes one of them the folder `path` below `root`. False: there is none, or something is there already.
bool take_spare_folder(int root, const char* path);
/// The same of the one called `name`.
bool take_spare_folder(int root, const char* path, const char* name);

/// Keeps the folder `path` below `root`, that of the container `id`, if its upper directory is as it was `before`. False: it has to be removed.
bool keep_spare_folder(int root, const char* path, const char* id, const UntouchedFolder& before);

}  // namespace berth::sys
