#include "sys/layer_tree.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>

#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/layer_attributes.h"

namespace berth::sys {
namespace {

// Open directories kept: more than a depth-first archive revisits, far below any limit on
// descriptors.
constexpr size_t kRecent = 64;

constexpr uint64_t kInside = kernel::kResolveBeneath | kernel::kResolveNoSymlinks |
                             kernel::kResolveNoMagiclinks | kernel::kResolveNoXdev;

Result<Fd> open_directory(int parent, const char* path) {
  return adopt(kernel::openat2(parent, path,
                               {O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                                holds("paths-in-layers") ? kInside : 0}),
               "openat2");
}

std::string child_path(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

}  // namespace

LayerTree::LayerTree(Fd root, bool overlay, Lowers lowers, uint64_t remembered_limit,
                     Refusal& refusal)
    : overlay_(overlay),
      remembered_limit_(remembered_limit),
      refusal_(refusal),
      lowers_(std::move(lowers)),
      root_(std::make_shared<TreeDirectory>(TreeDirectory{std::move(root), "", {}})) {}

Result<void> LayerTree::need_lowers() {
  if (!lowers_) return {};
  BERTH_ASSIGN(std::vector<std::shared_ptr<const Fd>> lowers, lowers_());
  root_->lowers = LowerDirectory(std::move(lowers));
  lowers_ = nullptr;
  return {};
}

Result<LayerTree::Handle> LayerTree::open(const std::string& path) {
  for (auto& recent : recent_) {
    if (recent.asked == path) {
      recent.used = ++clock_;
      return recent.directory;
    }
  }
  Handle directory;
  if (path.empty()) {
    directory = root_;
  } else {
    directory = own(path);
    if (directory == nullptr) {
      BERTH_ASSIGN(directory, walk(path, true));
    }
  }
  BERTH_TRY(note(*directory));
  remember(path, directory);
  return directory;
}

Result<LayerTree::Handle> LayerTree::open_merged(const std::string& path) {
  BERTH_ASSIGN(Handle directory, walk(path, true));
  BERTH_TRY(note(*directory));
  return directory;
}

Result<LayerTree::Handle> LayerTree::look(const std::string& path) { return walk(path, false); }

LayerTree::Handle LayerTree::own(const std::string& path) const {
  if (path.empty()) return root_;
  auto direct = open_directory(root_->handle.get(), path.c_str());
  if (!direct) return nullptr;
  return std::make_shared<TreeDirectory>(TreeDirectory{std::move(*direct), path, {}});
}

Result<LayerTree::Handle> LayerTree::walk(const std::string& path, bool make) {
  BERTH_TRY(need_lowers());
  BERTH_ASSIGN(Step end, walk_inside(path, Handle(root_), refusal_,
                                     [&](const Handle& parent, const std::string& name) {
                                       return step(parent, name, make);
                                     }));
  return std::move(end.place);
}

/// One component: a directory, or the text of a link, or nothing (only when `make` is false).
Result<LayerTree::Step> LayerTree::step(const Handle& parent, const std::string& name, bool make) {
  LowerDirectory below = parent->lowers;
  bool hidden = false;
  if (parent->handle) {
    const int upper = parent->handle.get();
    auto handle = open_directory(upper, name.c_str());
    if (handle) {
      LowerDirectory lower;
      if (!below.empty()) {
        BERTH_ASSIGN(const bool opaque, is_opaque(handle->get()));
        if (!opaque) {
          BERTH_ASSIGN(lower, below.enter(name.c_str()));
        }
      }
      return Step::to(entered(parent, name, std::move(*handle), std::move(lower)));
    }
    if (handle.error().number != ENOENT) {
      struct stat status;
      if (fstatat(upper, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return handle.error();
      if (S_ISLNK(status.st_mode)) {
        BERTH_ASSIGN(std::string text, link_text(upper, name.c_str()));
        return Step::through(std::move(text));
      }
      if (!is_whiteout(status)) {
        if (!make) return Step();
        return S_ISDIR(status.st_mode)
                   ? handle.error()
                   : refusal_.refuse("BAD_TAR", "a parent directory is not a directory");
      }
      hidden = true;
    }
  }
  if (hidden) {
    if (!make) return Step();
    if (unlinkat(parent->handle.get(), name.c_str(), 0) != 0) return last_error("unlinkat");
    BERTH_ASSIGN(Handle made, make_directory(parent, name, {}));
    BERTH_TRY(set_xattr(made->handle.get(), "trusted.overlay.opaque", "y"));
    return Step::to(std::move(made));
  }
  BERTH_ASSIGN(const LowerDirectory::Found found, below.find(name.c_str()));
  if (found.kind == LowerDirectory::Kind::kSymlink) {
    BERTH_ASSIGN(std::string text, link_text(found.holder, name.c_str()));
    return Step::through(std::move(text));
  }
  if (found.kind == LowerDirectory::Kind::kOther) {
    if (!make) return Step();
    return refusal_.refuse("BAD_TAR", "a parent directory is not a directory");
  }
  LowerDirectory lower;
  if (found.kind == LowerDirectory::Kind::kDirectory) {
    BERTH_ASSIGN(lower, below.enter(name.c_str()));
  } else if (!make) {
    return Step();
  }
  if (!make) return Step::to(entered(parent, name, Fd(), std::move(lower)));
  BERTH_ASSIGN(Handle made, make_directory(parent, name, lower));
  return Step::to(std::move(made));
}

/// A directory that the archive implies: as the layer below has it, else 0755, root's, from the
/// epoch, so that unpacking the same layer always gives the same tree.
Result<LayerTree::Handle> LayerTree::make_directory(const Handle& parent, const std::string& name,
                                                    const LowerDirectory& lower) {
  const int upper = parent->handle.get();
  BERTH_TRY(note(*parent));
  if (mkdirat(upper, name.c_str(), 0755) != 0) return last_error("mkdirat");
  BERTH_ASSIGN(Fd handle, open_directory(upper, name.c_str()));
  DirectoryFinish finish;
  if (!lower.empty()) {
    struct stat model;
    if (fstat(lower.topmost(), &model) != 0) return last_error("fstat");
    if (fchown(handle.get(), model.st_uid, model.st_gid) != 0) return last_error("fchown");
    if (fchmod(handle.get(), model.st_mode & 01777) != 0) return last_error("fchmod");
    if ((model.st_mode & 06000) != 0) finish.late_mode = model.st_mode & 07777;
    finish.mtime = model.st_mtim;
    BERTH_ASSIGN(const Xattrs xattrs, read_xattrs(lower.topmost()));
    for (const auto& [key, value] : xattrs) {
      if (key == kDefaultAcl) {
        finish.default_acl = value;
      } else {
        BERTH_TRY(set_xattr(handle.get(), key, value));
      }
    }
  }
  BERTH_TRY(finish_with(child_path(parent->path, name), std::move(finish)));
  return entered(parent, name, std::move(handle), lower);
}

LayerTree::Handle LayerTree::entered(const Handle& parent, const std::string& name, Fd handle,
                                     LowerDirectory lower) {
  return std::make_shared<TreeDirectory>(
      TreeDirectory{std::move(handle), child_path(parent->path, name), std::move(lower)});
}

/// A directory that was there before and is about to change: its time is kept, and what children
/// would inherit is taken off.
Result<void> LayerTree::note(const TreeDirectory& directory) {
  if (finish_.contains(directory.path)) return {};
  const int handle = directory.handle.get();
  struct stat status;
  if (fstat(handle, &status) != 0) return last_error("fstat");
  DirectoryFinish finish{status.st_mtim, 0, {}};
  if ((status.st_mode & 06000) != 0) {
    finish.late_mode = status.st_mode & 07777;
    if (fchmod(handle, status.st_mode & 01777) != 0) return last_error("fchmod");
  }
  BERTH_ASSIGN(const Xattrs xattrs, read_xattrs(handle));
  for (const auto& [key, value] : xattrs) {
    if (key != kDefaultAcl) continue;
    finish.default_acl = value;
    if (fremovexattr(handle, kDefaultAcl) != 0) return last_error("fremovexattr");
  }
  return finish_with(directory.path, std::move(finish));
}

Result<void> LayerTree::finish_with(const std::string& path, DirectoryFinish finish) {
  const auto [place, fresh] = finish_.insert_or_assign(path, std::move(finish));
  if (fresh) finish_bytes_ += path.size() + sizeof *place;
  if (finish_bytes_ > remembered_limit_)
    return refusal_.refuse("LIMIT_EXCEEDED", "it has too many directories");
  return {};
}

void LayerTree::forget(const std::string& path) {
  recent_.clear();
  auto place = finish_.lower_bound(path);
  while (place != finish_.end() && place->first.starts_with(path)) {
    const bool inside = place->first.size() == path.size() || place->first[path.size()] == '/';
    place = inside ? finish_.erase(place) : std::next(place);
  }
}

void LayerTree::remember(const std::string& asked, Handle directory) {
  Remembered fresh{asked, std::move(directory), ++clock_};
  for (auto& recent : recent_) {
    if (recent.asked == asked) {
      recent = std::move(fresh);
      return;
    }
  }
  if (recent_.size() < kRecent) {
    recent_.push_back(std::move(fresh));
    return;
  }
  *std::min_element(recent_.begin(), recent_.end(), [](const Remembered& a, const Remembered& b) {
    return a.used < b.used;
  }) = std::move(fresh);
}

Result<void> LayerTree::finish() {
  recent_.clear();
  for (const auto& [path, finish] : finish_) {
    BERTH_ASSIGN(const Fd handle,
                 open_directory(root_->handle.get(), path.empty() ? "." : path.c_str()));
    if (!finish.default_acl.empty())
      BERTH_TRY(set_xattr(handle.get(), kDefaultAcl, finish.default_acl));
    if (finish.late_mode != 0 && fchmod(handle.get(), finish.late_mode) != 0)
      return last_error("fchmod");
    const timespec times[2] = {finish.mtime, finish.mtime};
    if (futimens(handle.get(), times) != 0) return last_error("futimens");
  }
  return {};
}

}  // namespace berth::sys
