#include "sys/tree_pack.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "sys/layer_attributes.h"
#include "sys/tar_file.h"

namespace berth::sys {
namespace {

class Packer : public TreeVisitor {
 public:
  Packer(bool layer, Fd descriptors, ByteSink& sink, Refusal& refusal)
      : layer_(layer), descriptors_(std::move(descriptors)), archive_(sink), refusal_(refusal) {}

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
      BERTH_ASSIGN(const Fd directory, reopen(descriptors_.get(), found.handle, O_DIRECTORY));
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
    BERTH_ASSIGN(const Fd file, reopen(descriptors_.get(), found.handle, 0));
    BERTH_ASSIGN(entry.xattrs, read_xattrs(file.get()));
    BERTH_ASSIGN(const uint64_t stored, content_.add(archive_, entry, file.get(), found.status));
    counts_.file_bytes += stored;
    return {};
  }

  const bool layer_;
  const Fd descriptors_;
  TarWriter archive_;
  TarFile content_;
  Refusal& refusal_;
  PackCounts counts_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

}  // namespace

Result<PackCounts> pack_tree(const TreeWalk& walk, bool layer, ByteSink& sink, Refusal& refusal) {
  BERTH_ASSIGN(Fd descriptors,
               adopt(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  Packer packer(layer, std::move(descriptors), sink, refusal);
  BERTH_TRY(walk_tree(walk, packer, refusal));
  return packer.finish();
}

}  // namespace berth::sys
