#include "sys/plain_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "sys/blob_job.h"
#include "sys/kernel.h"
#include "sys/tar_contents.h"

namespace berth::sys {
namespace {

constexpr mode_t kPermissions = 0777;
/// Its owner can always come back to it.
constexpr mode_t kOwnFile = 0600, kOwnDirectory = 0700;

Result<Fd> open_inside(int parent, const std::string& name, uint64_t flags, mode_t mode = 0) {
  return adopt(kernel::openat2(parent, name.c_str(),
                               {flags | O_CLOEXEC, mode,
                                kernel::kResolveBeneath | kernel::kResolveNoSymlinks |
                                    kernel::kResolveNoMagiclinks | kernel::kResolveNoXdev}),
               "openat2");
}

}  // namespace

Result<PlainTree::Place> PlainTree::place_of(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = std::string_view(path).substr(start, end - start);
    start = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return refusal_.refuse("ESCAPE_ATTEMPT", "its name has '..' in it");
    parts.emplace_back(part);
    if (parts.size() > limits_.depth) {
      return refusal_.refuse("LIMIT_EXCEEDED", "its name is deeper than " +
                                                   std::to_string(limits_.depth) + " folders");
    }
  }
  Place place;
  BERTH_ASSIGN(place.parent, open_inside(root_.get(), ".", O_PATH | O_DIRECTORY));
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    BERTH_ASSIGN(Fd next, enter(place.parent.get(), parts[i]));
    place.parent = std::move(next);
  }
  if (!parts.empty()) place.name = std::move(parts.back());
  return place;
}

Result<Fd> PlainTree::enter(int parent, const std::string& name) {
  constexpr uint64_t kDirectory = O_PATH | O_DIRECTORY;
  auto there = open_inside(parent, name, kDirectory);
  if (there) return there;
  if (there.error().number == ELOOP)
    return refusal_.refuse("ESCAPE_ATTEMPT", "it goes through the link '" + name + "'");
  if (there.error().number != ENOENT) return there;
  if (mkdirat(parent, name.c_str(), 0755) != 0) return last_error("mkdirat");
  if (fchownat(parent, name.c_str(), uid_, gid_, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error("fchownat");
  return open_inside(parent, name, kDirectory);
}

Result<void> PlainTree::clear(const Place& place) {
  if (unlinkat(place.parent.get(), place.name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return last_error("unlinkat");
}

Result<Fd> PlainTree::create_file(const std::string& name, mode_t mode) {
  BERTH_ASSIGN(const Place place, place_of(name));
  if (place.name.empty()) return refusal_.refuse("BAD_TAR", "it has no name");
  BERTH_TRY(clear(place));
  BERTH_ASSIGN(Fd file, open_inside(place.parent.get(), place.name,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kOwnFile));
  // The owner first: chown(2) takes bits away.
  if (fchown(file.get(), uid_, gid_) != 0) return last_error("fchown");
  if (fchmod(file.get(), (mode & kPermissions) | kOwnFile) != 0) return last_error("fchmod");
  return file;
}

Result<void> PlainTree::apply_file(const TarEntry& entry, TarReader& archive) {
  uint64_t stored = entry.sparse ? 0 : entry.size;
  for (const SparsePart& part : entry.parts) stored += part.length;
  counts_.file_bytes += stored;
  if (stored > limits_.bytes || counts_.file_bytes > limits_.bytes) {
    return refusal_.refuse("LIMIT_EXCEEDED",
                           "its files have more than " + std::to_string(limits_.bytes) + " bytes");
  }
  BERTH_ASSIGN(const Fd file, create_file(entry.name, entry.mode));
  BERTH_TRY(write_contents(file.get(), entry, archive));
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (futimens(file.get(), times) != 0) return last_error("futimens");
  return {};
}

Result<void> PlainTree::apply_directory(const TarEntry& entry) {
  BERTH_ASSIGN(const Place place, place_of(entry.name));
  // `./` is the folder itself, which is as its owner wants it.
  if (place.name.empty()) return {};
  BERTH_ASSIGN(const Fd handle, enter(place.parent.get(), place.name));
  BERTH_ASSIGN(const Fd directory, open_inside(handle.get(), ".", O_RDONLY | O_DIRECTORY));
  if (fchmod(directory.get(), (entry.mode & kPermissions) | kOwnDirectory) != 0)
    return last_error("fchmod");
  return {};
}

Result<void> PlainTree::apply_symlink(const TarEntry& entry) {
  if (entry.link.empty()) return refusal_.refuse("BAD_TAR", "a symbolic link leads nowhere");
  BERTH_ASSIGN(const Place place, place_of(entry.name));
  if (place.name.empty()) return refusal_.refuse("BAD_TAR", "it has no name");
  BERTH_TRY(clear(place));
  if (symlinkat(entry.link.c_str(), place.parent.get(), place.name.c_str()) != 0)
    return last_error("symlinkat");
  if (fchownat(place.parent.get(), place.name.c_str(), uid_, gid_, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error("fchownat");
  return {};
}

Result<void> PlainTree::apply_link(const TarEntry& entry) {
  BERTH_ASSIGN(const Place target, place_of(entry.link));
  BERTH_ASSIGN(const Place place, place_of(entry.name));
  if (target.name.empty() || place.name.empty())
    return refusal_.refuse("BAD_TAR", "a hard link leads to a directory");
  BERTH_TRY(clear(place));
  // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is one to the link itself.
  if (linkat(target.parent.get(), target.name.c_str(), place.parent.get(), place.name.c_str(), 0) !=
      0) {
    if (errno == ENOENT)
      return refusal_.refuse("BAD_TAR", "its hard link's target '" + entry.link + "' is not there");
    return last_error("linkat");
  }
  return {};
}

Result<void> PlainTree::apply(const TarEntry& entry, TarReader& archive) {
  ++counts_.entries;
  switch (entry.type) {
    case TarType::kFile:
      return apply_file(entry, archive);
    case TarType::kDirectory:
      return apply_directory(entry);
    case TarType::kSymlink:
      return apply_symlink(entry);
    case TarType::kHardLink:
      return apply_link(entry);
    default:
      ++counts_.skipped;
      return {};
  }
}

Result<PlainCounts> PlainTree::extract(int archive) {
  BlobExpectation expected;
  expected.detect = true;
  expected.hashed = false;
  const auto consume = [&](ByteSource& source, Refusal& refused) -> Result<void> {
    TarReader reader(source, limits_.tar, refused);
    TarEntry entry;
    for (;;) {
      BERTH_ASSIGN(const bool more, reader.next(entry));
      if (!more) return drain(source);
      if (auto done = apply(entry, reader); !done) {
        refusal_.at(entry.name);
        return done;
      }
    }
  };
  BlobFacts facts;
  BERTH_TRY(consume_blob(archive, -1, expected, limits_.blob, consume, refusal_, facts));
  return counts_;
}

}  // namespace berth::sys
