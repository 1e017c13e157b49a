#include "sys/rooted_path.h"

#include <limits.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/kernel.h"

namespace berth::sys {
namespace {

Result<Fd> open_resolved(int root, const char* path, int flags, uint64_t resolve) {
  const kernel::OpenHow how = {static_cast<uint64_t>(flags) | O_CLOEXEC, 0, resolve};
  for (;;) {
    const long fd = kernel::openat2(root, path, how);
    // EAGAIN: something was renamed while the kernel walked; it could not vouch for the path (openat2(2)).
    if (fd < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return adopt(fd, "openat2");
  }
}

constexpr int kDirectory = O_PATH | O_DIRECTORY;

}  // namespace

Result<Fd> open_in_root(int root, const char* path, int flags) {
  return open_resolved(root, path, flags, kernel::kResolveInRoot | kernel::kResolveNoMagiclinks);
}

Result<Fd> open_in_root_plain(int root, const char* path, int flags) {
  return open_resolved(root, path, flags, kernel::kResolveInRoot | kernel::kResolveNoSymlinks);
}

Result<Fd> make_directory_in_root(int root, const char* path) {
  // The usual case, at one call: it is there.
  auto found = open_in_root(root, path, kDirectory);
  if (found || found.error().number != ENOENT) return found;

  char prefix[PATH_MAX];
  const size_t length = strlen(path);
  if (length >= sizeof prefix) return Error{ENAMETOOLONG, "openat2"};
  BERTH_ASSIGN(Fd parent, open_in_root(root, "/", kDirectory));
  for (size_t start = 0; start < length;) {
    while (start < length && path[start] == '/') ++start;
    size_t end = start;
    while (end < length && path[end] != '/') ++end;
    if (start == end) break;
    memcpy(prefix, path, end);
    prefix[end] = '\0';
    // Always resolved from the root, so that a symbolic link met on the way means what it means inside.
    auto next = open_in_root(root, prefix, kDirectory);
    if (!next && next.error().number == ENOENT) {
      if (mkdirat(parent.get(), prefix + start, 0755) != 0) return last_error("mkdirat");
      next = open_in_root(root, prefix, kDirectory);
    }
    if (!next) return next.error();
    parent = std::move(*next);
    start = end;
  }
  return parent;
}

Result<Fd> make_parent_in_root(int root, const char* path, const char** name) {
  const char* slash = strrchr(path, '/');
  *name = slash == nullptr ? path : slash + 1;
  if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
    return Error{EINVAL, "openat2"};
  char parent[PATH_MAX];
  const auto length = static_cast<size_t>(*name - path);
  if (length >= sizeof parent) return Error{ENAMETOOLONG, "openat2"};
  memcpy(parent, path, length);
  parent[length] = '\0';
  return make_directory_in_root(root, length == 0 ? "/" : parent);
}

Result<Fd> make_file_in_root(int root, const char* path) {
  auto found = open_in_root(root, path, O_PATH);
  if (found || found.error().number != ENOENT) return found;
  const char* name = nullptr;
  BERTH_ASSIGN(const Fd parent, make_parent_in_root(root, path, &name));
  BERTH_ASSIGN(
      const Fd made,
      adopt(openat(parent.get(), name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644), "openat"));
  return open_in_root(root, path, O_PATH);
}

}  // namespace berth::sys
