#include "sys/rooted_path.h"

#include <limits.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::sys {
namespace {

Result<Fd> open_resolved(int root, const char* path, int flags, uint64_t resolve) {
  if (!holds("rooted-paths")) {
    resolve &= ~kernel::kResolveInRoot;
    path += strspn(path, "/");
    if (*path == '\0') path = ".";
  }
  const kernel::OpenHow how = {static_cast<uint64_t>(flags) | O_CLOEXEC, 0, resolve};
  for (;;) {
    const long fd = kernel::openat2(root, path, how);
    // EAGAIN: something was renamed while the kernel walked; it could not vouch for the path (openat2(2)).
    if (fd < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return adopt(fd, "openat2");
  }
}

constexpr int kDirectory = O_PATH | O_DIRECTORY;

/// As deep as the kernel follows links (path_resolution(7)).
constexpr int kMostLinks = 40;

/// Replaces the component of `path` that begins at `start` and ends before `end`, a symbolic link in `parent`, by what the link says.
Result<void> follow_link(int parent, char (&path)[PATH_MAX], size_t start, size_t end) {
  char link[PATH_MAX];
  const Text<NAME_MAX + 1> name(Piece{path + start, end - start});
  const ssize_t length = readlinkat(parent, name.c_str(), link, sizeof link);
  if (length < 0) return last_error("readlinkat");
  const Text<PATH_MAX> fresh(Piece{path, link[0] == '/' ? 0 : start},
                             Piece{link, static_cast<size_t>(length)}, path + end);
  if (!fresh.whole()) return Error{ENAMETOOLONG, "readlinkat"};
  copy_text(path, fresh.c_str());
  return {};
}

/// Makes the directories of `path` that are missing, up to its end or to a dangling link, which is then [start, end) and lies in the directory returned.
Result<Fd> make_up_to_link(int root, const char* path, size_t& start, size_t& end) {
  char prefix[PATH_MAX];
  BERTH_ASSIGN(Fd parent, open_in_root(root, "/", kDirectory));
  for (start = end = 0;; start = end) {
    while (path[start] == '/') ++start;
    end = start + strcspn(path + start, "/");
    if (start == end) return parent;
    memcpy(prefix, path, end);
    prefix[end] = '\0';
    // Always resolved from the root, so that a symbolic link met on the way means what it means inside.
    auto next = open_in_root(root, prefix, kDirectory);
    if (!next && next.error().number == ENOENT) {
      if (mkdirat(parent.get(), prefix + start, 0755) != 0) {
        if (errno == EEXIST) return parent;
        return last_error("mkdirat");
      }
      next = open_in_root(root, prefix, kDirectory);
    }
    if (!next) return next.error();
    parent = std::move(*next);
  }
}

/// The next usual case: only the last directory is missing. False: it is not so simple.
bool make_last(int root, char (&path)[PATH_MAX]) {
  char* const slash = strrchr(path, '/');
  if (slash == nullptr || slash == path || slash[1] == '\0') return false;
  *slash = '\0';
  auto parent = open_in_root(root, path, kDirectory);
  *slash = '/';
  return parent && mkdirat(parent->get(), slash + 1, 0755) == 0;
}

}  // namespace

Result<Fd> open_in_root(int root, const char* path, int flags) {
  return open_resolved(root, path, flags, kernel::kResolveInRoot | kernel::kResolveNoMagiclinks);
}

Result<Fd> open_in_root_plain(int root, const char* path, int flags) {
  return open_resolved(root, path, flags, kernel::kResolveInRoot | kernel::kResolveNoSymlinks);
}

Result<Fd> open_beneath_plain(int directory, const char* path, int flags) {
  return open_resolved(
      directory, path, flags,
      kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoXdev);
}

Result<Fd> make_directory_in_root(int root, const char* path) {
  // The usual case, at one call: it is there.
  auto found = open_in_root(root, path, kDirectory);
  if (found || found.error().number != ENOENT) return found;
  char place[PATH_MAX];
  if (strlen(path) >= sizeof place) return Error{ENAMETOOLONG, "openat2"};
  copy_text(place, path);
  if (make_last(root, place)) return open_in_root(root, path, kDirectory);
  for (int links = 0; links < kMostLinks; ++links) {
    size_t start = 0, end = 0;
    BERTH_ASSIGN(Fd directory, make_up_to_link(root, place, start, end));
    if (start == end) return directory;
    BERTH_TRY(follow_link(directory.get(), place, start, end));
  }
  return Error{ELOOP, "openat2"};
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
  char place[PATH_MAX];
  if (strlen(path) >= sizeof place) return Error{ENAMETOOLONG, "openat2"};
  copy_text(place, path);
  for (int links = 0; links < kMostLinks; ++links) {
    const char* name = nullptr;
    BERTH_ASSIGN(const Fd parent, make_parent_in_root(root, place, &name));
    const Fd made(openat(parent.get(), name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (made) return open_in_root(root, place, O_PATH);
    if (errno != EEXIST) return last_error("openat");
    const auto start = static_cast<size_t>(name - place);
    BERTH_TRY(follow_link(parent.get(), place, start, start + strlen(name)));
  }
  return Error{ELOOP, "openat"};
}

}  // namespace berth::sys
