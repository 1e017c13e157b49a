#include "copy/landing.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy/view.h"

namespace berth::copy {
namespace {

using sys::Result;

// As deep as the kernel follows links (path_resolution(7)).
constexpr int kMostLinks = 40;

struct Split {
  std::string parent, name;
};

/// `path` is absolute and has no trailing slash.
Split split(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<bool> is_folder(int handle) {
  struct stat status;
  if (fstat(handle, &status) != 0) return sys::last_error("fstat");
  return S_ISDIR(status.st_mode);
}

/// What a link at `path` says, as a path; empty when there is none.
Result<std::string> link_at(int root, const std::string& path) {
  auto handle = open_inside(root, path, O_PATH | O_NOFOLLOW);
  if (!handle) return std::string();
  struct stat status;
  if (fstat(handle->get(), &status) != 0) return sys::last_error("fstat");
  if (!S_ISLNK(status.st_mode)) return std::string();
  char text[PATH_MAX];
  const ssize_t length = readlinkat(handle->get(), "", text, sizeof text);
  if (length < 0) return sys::last_error("readlinkat");
  const std::string link(text, static_cast<size_t>(length));
  return link.starts_with('/') ? link : split(path).parent + "/" + link;
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

Result<Landing> find_landing(const Request& request, int root, const Arrival& arrival,
                             sys::Refusal& refusal) {
  std::string path = without_slashes(request.to_path);
  refusal.at(path);
  for (int links = 0; links <= kMostLinks; ++links) {
    auto there = open_inside(root, path, O_PATH);
    if (there) {
      BERTH_ASSIGN(const bool folder, is_folder(there->get()));
      if (folder) return Landing{std::move(*there), path, ""};
      if (arrival.folder)
        return refusal.refuse("FILE_IN_THE_WAY", "a folder cannot take the place of a file");
      if (request.to_folder) return refusal.refuse("NO_FOLDER", "it is not a folder");
    } else if (there.error().number != ENOENT) {
      return there.error();
    }
    BERTH_ASSIGN(const std::string link, link_at(root, path));
    if (!link.empty()) {
      path = without_slashes(link);
      continue;
    }
    if (!there && request.to_folder && !arrival.folder)
      return refusal.refuse("NO_FOLDER", "there is no such folder");
    const auto [parent, name] = split(path);
    if (name.empty() || name == "." || name == "..") return sys::Error{EISDIR, "openat2"};
    auto folder = open_inside(root, parent, O_PATH | O_DIRECTORY);
    if (!folder && folder.error().number == ENOENT)
      return refusal.refuse("NO_FOLDER", "the folder that it is to be in is not there");
    if (!folder) return folder.error();
    return Landing{std::move(*folder), parent, name};
  }
  return sys::Error{ELOOP, "openat2"};
}

Result<Landing> find_folder(const Request& request, int root, sys::Refusal& refusal) {
  refusal.at(request.to_path);
  auto folder = open_inside(root, request.to_path, O_PATH | O_DIRECTORY);
  if (folder) return Landing{std::move(*folder), without_slashes(request.to_path), ""};
  const int number = folder.error().number;
  if (number == ENOENT || number == ENOTDIR)
    return refusal.refuse("NO_FOLDER", "a stream can only be unpacked into a folder that is there");
  return folder.error();
}

}  // namespace berth::copy
