#include "sys/recipe_pack.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "sys/directory_names.h"
#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/tar_writer.h"

namespace berth::sys {
namespace {

constexpr uint64_t kInside =
    kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoMagiclinks;
constexpr int kDeepest = 256;

struct Item {
  TarEntry entry;
  std::string source;  // of a file that is copied: its path below the folder
  std::string text;    // of one that is stated
};

std::string below(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

class RecipePack {
 public:
  RecipePack(int folder, int64_t time, Refusal& refusal)
      : folder_(folder), time_(time), refusal_(refusal) {}

  Result<void> add(const RecipeEntry& entry) {
    if (entry.kind == RecipeEntry::Kind::kCopy) return copy(entry, entry.from, entry.to, 0);
    Item item = new_item(entry, entry.to);
    switch (entry.kind) {
      case RecipeEntry::Kind::kFolder:
        item.entry.type = TarType::kDirectory;
        item.entry.mode = entry.mode.value_or(0755);
        break;
      case RecipeEntry::Kind::kLink:
        item.entry.type = TarType::kSymlink;
        item.entry.mode = 0777;
        item.entry.link = entry.from;
        break;
      default:
        item.entry.mode = entry.mode.value_or(0644);
        item.text = entry.from;
        item.entry.size = item.text.size();
        break;
    }
    return put(entry.to, std::move(item));
  }

  Result<void> write(ByteSink& sink) {
    BERTH_TRY(add_parents());
    TarWriter archive(sink);
    for (auto& [path, item] : items_) {
      if (auto outcome = write_one(item, archive); !outcome) {
        refusal_.at(item.source.empty() ? path : item.source);
        return outcome.error();
      }
    }
    return archive.finish();
  }

 private:
  Item new_item(const RecipeEntry& entry, const std::string& to) const {
    Item item;
    item.entry.name = to.empty() ? "./" : to;
    item.entry.uid = entry.uid;
    item.entry.gid = entry.gid;
    item.entry.mtime = {time_, 0};
    return item;
  }

  Result<void> put(const std::string& to, Item item) {
    if (item.entry.type == TarType::kDirectory) {
      if (!to.empty()) item.entry.name = to + "/";
    } else if (to.empty()) {
      return refusal_.refuse("BAD_FILE", "the image's root is a folder");
    }
    items_.insert_or_assign(to, std::move(item));
    return {};
  }

  Result<Fd> open_below(const std::string& path, uint64_t flags) {
    auto file = adopt(kernel::openat2(folder_, path.empty() ? "." : path.c_str(),
                                      {flags | O_NOFOLLOW | O_CLOEXEC, 0, kInside}),
                      "openat2");
    if (file) return file;
    refusal_.at(path);
    if (file.error().number == ELOOP || file.error().number == EXDEV)
      return refusal_.refuse("BAD_FILE", "the way to it leads through a symbolic link, or out");
    return file.error();
  }

  Result<void> copy(const RecipeEntry& entry, const std::string& from, const std::string& to,
                    int depth) {
    if (depth > kDeepest) return refusal_.refuse("BAD_FILE", "it is too deep");
    BERTH_ASSIGN(const Fd handle, open_below(from, O_PATH));
    struct stat status;
    if (fstat(handle.get(), &status) != 0) return last_error("fstat");
    Item item = new_item(entry, to);
    if (S_ISREG(status.st_mode)) {
      item.source = from;
      item.entry.mode = entry.mode.value_or((status.st_mode & S_IXUSR) != 0 ? 0755 : 0644);
      return put(to, std::move(item));
    }
    if (S_ISLNK(status.st_mode)) {
      char text[PATH_MAX];
      const ssize_t length = readlinkat(handle.get(), "", text, sizeof text);
      if (length < 0) return last_error("readlinkat");
      item.entry.type = TarType::kSymlink;
      item.entry.mode = 0777;
      item.entry.link.assign(text, static_cast<size_t>(length));
      return put(to, std::move(item));
    }
    if (!S_ISDIR(status.st_mode)) {
      refusal_.at(from);
      return refusal_.refuse("BAD_FILE", "it is neither a file, a folder nor a symbolic link");
    }
    item.entry.type = TarType::kDirectory;
    item.entry.mode = entry.folder_mode.value_or(0755);
    // The image's root is as it is unless somebody states it.
    if (!to.empty() || entry.folder_mode) BERTH_TRY(put(to, std::move(item)));
    BERTH_ASSIGN(const Fd directory, open_below(from, O_RDONLY | O_DIRECTORY));
    BERTH_ASSIGN(const std::vector<std::string> names, directory_names(directory.get()));
    for (const std::string& name : names)
      BERTH_TRY(copy(entry, below(from, name), below(to, name), depth + 1));
    return {};
  }

  Result<void> add_parents() {
    std::map<std::string, Item> missing;
    for (const auto& [path, item] : items_) {
      for (size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
           slash = path.rfind('/', slash - 1)) {
        const std::string parent = path.substr(0, slash);
        const auto known = items_.find(parent);
        if (known == items_.end()) {
          Item folder = new_item({}, parent + "/");
          folder.entry.type = TarType::kDirectory;
          folder.entry.mode = 0755;
          missing.emplace(parent, std::move(folder));
        } else if (known->second.entry.type != TarType::kDirectory) {
          refusal_.at(path);
          return refusal_.refuse("BAD_FILE", "what is above it in the image is no folder");
        }
      }
    }
    items_.merge(missing);
    return {};
  }

  /// As long as its header says: content that changes meanwhile is an error.
  Result<void> write_one(Item& item, TarWriter& archive) {
    if (item.source.empty()) {
      BERTH_TRY(archive.begin(item.entry));
      BERTH_TRY(
          archive.data({reinterpret_cast<const uint8_t*>(item.text.data()), item.text.size()}));
      return archive.end();
    }
    // Not to wait on a fifo that has come in its place.
    BERTH_ASSIGN(const Fd file, open_below(item.source, O_RDONLY | O_NONBLOCK));
    struct stat status;
    if (fstat(file.get(), &status) != 0) return last_error("fstat");
    if (!S_ISREG(status.st_mode)) return refusal_.refuse("BAD_FILE", "it is a file no more");
    item.entry.size = static_cast<uint64_t>(status.st_size);
    BERTH_TRY(archive.begin(item.entry));
    for (uint64_t left = item.entry.size; left > 0;) {
      const ssize_t length = retry_interrupted([&] {
        return read(file.get(), buffer_.data(), std::min<uint64_t>(left, buffer_.size()));
      });
      if (length < 0) return last_error("read");
      if (length == 0) return refusal_.refuse("BAD_FILE", "it has become shorter meanwhile");
      BERTH_TRY(archive.data(std::span<const uint8_t>(buffer_).first(static_cast<size_t>(length))));
      left -= static_cast<uint64_t>(length);
    }
    return archive.end();
  }

  const int folder_;
  const int64_t time_;
  Refusal& refusal_;
  std::map<std::string, Item> items_;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(256 * 1024);
};

}  // namespace

Result<void> pack_recipe(int folder, const std::vector<RecipeEntry>& entries, int64_t time,
                         ByteSink& sink, Refusal& refusal) {
  RecipePack pack(folder, time, refusal);
  for (const RecipeEntry& entry : entries) BERTH_TRY(pack.add(entry));
  return pack.write(sink);
}

}  // namespace berth::sys
