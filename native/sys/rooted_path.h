// Paths inside a tree that somebody else made: no component, symbolic link or `..` leads out of it (openat2(2), RESOLVE_IN_ROOT).
#pragma once

#include <sys/types.h>

#include "sys/fd.h"

namespace berth::sys {

/// Opens `path` as if `root` were `/`. Magic links are refused.
Result<Fd> open_in_root(int root, const char* path, int flags);

/// The same, but no component may be a symbolic link (ELOOP).
Result<Fd> open_in_root_plain(int root, const char* path, int flags);

/// Opens `path` below `directory`, on the same mount: no link, no `..` out of it, and nothing that somebody has mounted on the way (ELOOP, EXDEV).
Result<Fd> open_beneath_plain(int directory, const char* path, int flags);

/// An O_PATH handle of the directory at `path`, made with what is missing above it (mode 0755). ENOTDIR when something else is in the way.
Result<Fd> make_directory_in_root(int root, const char* path);

/// An O_PATH handle of the file at `path`; an empty one (mode 0644) is made where nothing is, for a mount to cover.
Result<Fd> make_file_in_root(int root, const char* path);

/// The directory that `path` lies in, made if missing; `*name` is set to its last component. EINVAL for a path without one.
Result<Fd> make_parent_in_root(int root, const char* path, const char** name);

}  // namespace berth::sys
