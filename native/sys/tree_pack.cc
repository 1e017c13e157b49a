#include "sys/tree_pack.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sys/layer_attributes.h"
#include "sys/tar_writer.h"

namespace berth::sys {
namespace {

// Holes below this are cheaper as zeros, which every reader understands.
constexpr uint64_t kLeastHoles = 1024 * 1024;
constexpr size_t kReadSize = 256 * 1024;

/// The same file, opened for reading: never what may have taken its name since.
Result<Fd> reopen(int handle, int flags) {
  const std::string path = "/proc/self/fd/" + std::to_string(handle);
  return adopt(open(path.c_str(), flags | O_RDONLY | O_CLOEXEC), "open");
}

/// Where a file has data (lseek(2), SEEK_DATA). The last part may be empty: it marks the end of a file that ends in a hole.
Result<std::vector<SparsePart>> parts_of(int file, uint64_t size) {
  std::vector<SparsePart> parts;
  uint64_t at = 0;
  while (at < size) {
    const off_t data = lseek(file, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return last_error("lseek");
    if (data < 0 || static_cast<uint64_t>(data) >= size) break;
    const off_t hole = lseek(file, data, SEEK_HOLE);
    if (hole < 0) return last_error("lseek");
    const auto start = static_cast<uint64_t>(data);
    at = std::min(static_cast<uint64_t>(hole), size);
    parts.push_back({start, at - start});
  }
  if (at < size) parts.push_back({size, 0});
  return parts;
}

class Packer : public TreeVisitor {
 public:
  Packer(bool layer, ByteSink& sink, Refusal& refusal)
      : layer_(layer), archive_(sink), refusal_(refusal), buffer_(kReadSize) {}

  Result<void> found(const WalkEntry& found) override {
    auto outcome = add(found);
    // Whatever it was that failed, this is where.
    if (!outcome) refusal_.at(found.path);
    return outcome;
  }

  Result<void> removed(const std::string& path) override {
    if (!layer_) return {};
    const size_t slash = path.rfind('/');
    const size_t name = slash == std::string::npos ? 0 : slash + 1;
    TarEntry entry;
    entry.name = path.substr(0, name) + ".wh." + path.substr(name);
    BERTH_TRY(archive_.begin(entry));
    return archive_.end();
  }

  Result<PackCounts> finish() {
    BERTH_TRY(archive_.finish());
    return counts_;
  }

 private:
  Result<void> add(const WalkEntry& found) {
    const struct stat& status = found.status;
    if (S_ISSOCK(status.st_mode)) {
      ++counts_.sockets_skipped;
      return {};
    }
    if (layer_ && is_whiteout_name(found.path)) {
      return refusal_.refuse("BAD_NAME",
                             "a name that begins with .wh. means a removed file in an image");
    }
    ++counts_.entries;
    TarEntry entry;
    entry.name = found.path;
    entry.mode = status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime = status.st_mtim;
    if (S_ISDIR(status.st_mode)) {
      entry.type = TarType::kDirectory;
      entry.name = found.path.empty() ? "./" : found.path + "/";
      BERTH_ASSIGN(const Fd directory, reopen(found.handle, O_DIRECTORY));
      BERTH_ASSIGN(entry.xattrs, read_xattrs(directory.get()));
      return write(entry);
    }
    if (status.st_nlink > 1) {
      const auto [first, fresh] =
          linked_.try_emplace(std::pair(status.st_dev, status.st_ino), found.path);
      if (!fresh) {
        entry.type = TarType::kHardLink;
        entry.link = first->second;
        return write(entry);
      }
    }
    if (S_ISREG(status.st_mode)) return add_file(entry, found);
    if (S_ISLNK(status.st_mode)) {
      char text[PATH_MAX];
      const ssize_t length = readlinkat(found.handle, "", text, sizeof text);
      if (length < 0) return last_error("readlinkat");
      entry.type = TarType::kSymlink;
      entry.link.assign(text, static_cast<size_t>(length));
    } else if (S_ISFIFO(status.st_mode)) {
      entry.type = TarType::kFifo;
    } else {
      entry.type = TarType::kDevice;
      entry.device = {S_ISBLK(status.st_mode), major(status.st_rdev), minor(status.st_rdev)};
    }
    return write(entry);
  }

  static bool is_whiteout_name(const std::string& path) {
    const size_t slash = path.rfind('/');
    return path.compare(slash == std::string::npos ? 0 : slash + 1, 4, ".wh.") == 0;
  }

  Result<void> write(const TarEntry& entry) {
    BERTH_TRY(archive_.begin(entry));
    return archive_.end();
  }

  Result<void> add_file(TarEntry& entry, const WalkEntry& found) {
    BERTH_ASSIGN(const Fd file, reopen(found.handle, 0));
    BERTH_ASSIGN(entry.xattrs, read_xattrs(file.get()));
    entry.size = static_cast<uint64_t>(found.status.st_size);
    std::vector<SparsePart> parts{{0, entry.size}};
    if (static_cast<uint64_t>(found.status.st_blocks) * 512 + kLeastHoles <= entry.size) {
      BERTH_ASSIGN(parts, parts_of(file.get(), entry.size));
      entry.sparse = true;
      entry.parts = parts;
    }
    BERTH_TRY(archive_.begin(entry));
    for (const SparsePart& part : parts) {
      counts_.file_bytes += part.length;
      BERTH_TRY(copy(file.get(), part));
    }
    return archive_.end();
  }

  Result<void> copy(int file, SparsePart part) {
    while (part.length > 0) {
      const size_t wanted = static_cast<size_t>(std::min<uint64_t>(part.length, buffer_.size()));
      const ssize_t length = retry_interrupted(
          [&] { return pread(file, buffer_.data(), wanted, static_cast<off_t>(part.offset)); });
      if (length < 0) return last_error("pread");
      auto count = static_cast<size_t>(length);
      if (count == 0) {
        std::fill_n(buffer_.begin(), wanted, uint8_t{0});
        count = wanted;
      }
      BERTH_TRY(archive_.data(std::span<const uint8_t>(buffer_).first(count)));
      part.offset += count;
      part.length -= count;
    }
    return {};
  }

  const bool layer_;
  TarWriter archive_;
  Refusal& refusal_;
  std::vector<uint8_t> buffer_;
  PackCounts counts_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

}  // namespace

Result<PackCounts> pack_tree(const TreeWalk& walk, bool layer, ByteSink& sink, Refusal& refusal) {
  Packer packer(layer, sink, refusal);
  BERTH_TRY(walk_tree(walk, packer, refusal));
  return packer.finish();
}

}  // namespace berth::sys
