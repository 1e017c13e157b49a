// Owner, mode, time and extended attributes of what an EROFS image holds.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>

#include "sys/layer_attributes.h"
#include "sys/refusal.h"

namespace berth::sys {

struct ErofsAttributes {
  mode_t mode = 0;  // with the type
  uint32_t uid = 0, gid = 0;
  timespec mtime{};
  Xattrs xattrs;
};

/// Has EROFS a word for the attribute? ENOTSUP would be a file system's answer for others.
bool erofs_has_xattr(const std::string& name);

/// As they lie behind an inode; empty for none. Refuses with NO_IMAGE what has no room there, with BAD_TAR an access list that is none.
Result<std::string> erofs_xattrs(const Xattrs& xattrs, Refusal& refusal);

/// How an inode states the size of what `erofs_xattrs` gave.
uint16_t erofs_xattr_words(const std::string& xattrs);

}  // namespace berth::sys
