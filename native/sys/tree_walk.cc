#include "sys/tree_walk.h"

#include <fcntl.h>

#include <algorithm>
#include <unordered_set>

#include "sys/defence.h"
#include "sys/directory_names.h"
#include "sys/kernel.h"

namespace berth::sys {
namespace {

constexpr uint64_t kInside = kernel::kResolveBeneath | kernel::kResolveNoSymlinks |
                             kernel::kResolveNoMagiclinks | kernel::kResolveNoXdev;

using Kind = LowerDirectory::Kind;

class Walker {
 public:
  Walker(const TreeWalk& walk, TreeVisitor& visitor, Refusal& refusal)
      : depth_(walk.depth), visitor_(visitor), refusal_(refusal) {
    for (const std::string& path : walk.hidden)
      hidden_.insert(path.substr(std::min(path.find_first_not_of('/'), path.size())));
  }

  Result<void> root(const LowerDirectory& upper, const LowerDirectory& below) {
    struct stat status;
    if (fstat(upper.topmost(), &status) != 0) return last_error("fstat");
    const std::string path;
    BERTH_TRY(visitor_.found(
        {path, upper.topmost(), status, below.empty() ? Kind::kNone : Kind::kDirectory}));
    BERTH_ASSIGN(const bool opaque, is_opaque(upper.topmost()));
    return directory(path, upper, below, opaque, 1);
  }

 private:
  /// `hides`: nothing of `below` shows through.
  Result<void> directory(const std::string& path, const LowerDirectory& upper,
                         const LowerDirectory& below, bool hides, uint64_t depth) {
    if (depth > depth_) {
      refusal_.at(path);
      return refusal_.refuse("LIMIT_EXCEEDED",
                             "it is deeper than " + std::to_string(depth_) + " folders");
    }
    BERTH_ASSIGN(const std::vector<std::string> names, upper.names());
    for (const std::string& name : names) BERTH_TRY(child(path, name, upper, below, hides, depth));
    if (!hides) return {};
    BERTH_ASSIGN(const std::vector<std::string> lost, below.names());
    for (const std::string& name : lost) {
      if (std::binary_search(names.begin(), names.end(), name)) continue;
      BERTH_ASSIGN(const LowerDirectory::Found was, below.find(name.c_str()));
      if (was.kind != Kind::kNone) BERTH_TRY(visitor_.removed(join(path, name)));
    }
    return {};
  }

  Result<void> child(const std::string& parent, const std::string& name,
                     const LowerDirectory& upper, const LowerDirectory& below, bool hides,
                     uint64_t depth) {
    const std::string path = join(parent, name);
    BERTH_ASSIGN(const LowerDirectory::Found was, below.find(name.c_str()));
    BERTH_ASSIGN(const LowerDirectory::Found is, upper.find(name.c_str()));
    if (is.kind == Kind::kNone)
      return was.kind == Kind::kNone ? Result<void>() : visitor_.removed(path);
    const bool inside = holds("paths-in-trees");
    const kernel::OpenHow how{O_PATH | O_CLOEXEC | (inside ? uint64_t{O_NOFOLLOW} : 0), 0,
                              inside ? kInside : 0};
    auto handle = adopt(kernel::openat2(is.holder, name.c_str(), how), "openat2");
    if (!handle) return gone(handle.error());
    // Of what was opened, whatever has taken its name since.
    struct stat status;
    if (fstat(handle->get(), &status) != 0) return last_error("fstat");
    if (is_whiteout(status)) return {};
    const WalkEntry entry{path, handle->get(), status, was.kind};
    if (!S_ISDIR(status.st_mode)) {
      if (was.kind == Kind::kNone && status.st_size == 0 && S_ISREG(status.st_mode) &&
          hidden_.contains(path)) {
        return {};
      }
      return visitor_.found(entry);
    }
    BERTH_ASSIGN(const LowerDirectory within, upper.enter(name.c_str()));
    // It was a directory a moment ago.
    if (within.empty()) return {};
    LowerDirectory compared;
    if (was.kind == Kind::kDirectory) {
      BERTH_ASSIGN(compared, below.enter(name.c_str()));
    } else if (was.kind == Kind::kNone && hidden_.contains(path)) {
      BERTH_ASSIGN(const std::vector<std::string> names, within.names());
      if (names.empty()) return {};
    }
    BERTH_TRY(visitor_.found(entry));
    BERTH_ASSIGN(const bool opaque, is_opaque(within.topmost()));
    return directory(path, within, compared, hides || opaque, depth + 1);
  }

  static Result<void> gone(const Error& error) {
    return error.number == ENOENT ? Result<void>() : Result<void>(error);
  }

  static std::string join(const std::string& parent, const std::string& name) {
    return parent.empty() ? name : parent + "/" + name;
  }

  const uint64_t depth_;
  TreeVisitor& visitor_;
  Refusal& refusal_;
  std::unordered_set<std::string> hidden_;
};

Result<LowerDirectory> open_layers(const std::vector<std::string>& paths) {
  std::vector<std::shared_ptr<const Fd>> layers;
  for (const std::string& path : paths) {
    BERTH_ASSIGN(
        Fd layer,
        adopt(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open"));
    layers.push_back(std::make_shared<const Fd>(std::move(layer)));
  }
  return LowerDirectory(std::move(layers));
}

}  // namespace

Result<void> walk_tree(const TreeWalk& walk, TreeVisitor& visitor, Refusal& refusal) {
  BERTH_ASSIGN(const LowerDirectory upper, open_layers(walk.upper));
  BERTH_ASSIGN(const LowerDirectory below, open_layers(walk.below));
  if (upper.empty()) return Error{EINVAL, "open"};
  return Walker(walk, visitor, refusal).root(upper, below);
}

}  // namespace berth::sys
