// Extended attributes and owners of what a layer brings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sys/refusal.h"

namespace berth::sys {

using Xattrs = std::vector<std::pair<std::string, std::string>>;

/// The access list that new children of a directory inherit (acl(5)).
constexpr char kDefaultAcl[] = "system.posix_acl_default";

/// Attributes that mean something to overlayfs or to this host's security module: an image has no
/// say in them.
bool is_reserved_xattr(const std::string& name);
/// All attributes of an open file but the reserved ones.
Result<Xattrs> read_xattrs(int file);
/// Removes every attribute but the reserved ones.
Result<void> clear_xattrs(int file);
/// ENOTSUP where the file system has no such attributes.
Result<void> set_xattr(int file, const std::string& name, const std::string& value);

}  // namespace berth::sys
