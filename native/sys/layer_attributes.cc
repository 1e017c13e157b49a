#include "sys/layer_attributes.h"

#include <sys/xattr.h>

#include <cstring>

#include "sys/defence.h"

namespace berth::sys {

bool is_reserved_xattr(const std::string& name) {
  if (!holds("reserved-attributes")) return false;
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.") ||
         name == "security.selinux";
}

Result<Xattrs> read_xattrs(int file) {
  Xattrs out;
  ssize_t length = flistxattr(file, nullptr, 0);
  if (length < 0 && errno == EOPNOTSUPP) return out;
  if (length < 0) return last_error("flistxattr");
  if (length == 0) return out;
  std::string names(static_cast<size_t>(length), '\0');
  length = flistxattr(file, names.data(), names.size());
  if (length < 0) return last_error("flistxattr");
  names.resize(static_cast<size_t>(length));
  for (size_t at = 0; at < names.size(); at += strlen(names.c_str() + at) + 1) {
    const std::string name = names.c_str() + at;
    if (is_reserved_xattr(name)) continue;
    ssize_t size = fgetxattr(file, name.c_str(), nullptr, 0);
    if (size < 0) return last_error("fgetxattr");
    std::string value(static_cast<size_t>(size), '\0');
    size = fgetxattr(file, name.c_str(), value.data(), value.size());
    if (size < 0) return last_error("fgetxattr");
    value.resize(static_cast<size_t>(size));
    out.emplace_back(name, std::move(value));
  }
  return out;
}

Result<void> clear_xattrs(int file) {
  BERTH_ASSIGN(const Xattrs present, read_xattrs(file));
  for (const auto& [name, value] : present) {
    if (fremovexattr(file, name.c_str()) != 0 && errno != ENODATA)
      return last_error("fremovexattr");
  }
  return {};
}

Result<void> set_xattr(int file, const std::string& name, const std::string& value) {
  if (fsetxattr(file, name.c_str(), value.data(), value.size(), 0) != 0)
    return last_error("fsetxattr");
  return {};
}

}  // namespace berth::sys
