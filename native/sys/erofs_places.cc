#include "sys/erofs_places.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace berth::sys {
namespace {

// More than a depth-first archive revisits.
constexpr size_t kRecent = 256;

}  // namespace

Result<ErofsAttributes> attributes_of_lower(int file) {
  struct stat status;
  if (fstat(file, &status) != 0) return last_error("fstat");
  ErofsAttributes attributes{status.st_mode, status.st_uid, status.st_gid, status.st_mtim, {}};
  BERTH_ASSIGN(const Xattrs xattrs, read_xattrs(file));
  for (const auto& xattr : xattrs) {
    if (erofs_has_xattr(xattr.first)) attributes.xattrs.push_back(xattr);
  }
  return attributes;
}

Result<void> ErofsPlaces::need_lowers() {
  if (!lowers_) return {};
  BERTH_ASSIGN(std::vector<std::shared_ptr<const Fd>> lowers, lowers_());
  below_ = LowerDirectory(std::move(lowers));
  lowers_ = nullptr;
  return {};
}

ErofsPlaces::Node ErofsPlaces::own(const std::string& path) const {
  Node node = tree_.root();
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    node = node->directory->find(path.substr(start, end - start));
    if (node == nullptr || !node->is_directory()) return nullptr;
    start = end + 1;
  }
  return node;
}

Result<ErofsPlaces::Node> ErofsPlaces::open(const std::string& path) {
  const auto known = recent_.find(path);
  if (known != recent_.end()) return known->second;
  Node node = own(path);
  if (node == nullptr) {
    BERTH_ASSIGN(const ErofsPlace place, open_merged(path));
    node = place.node;
  }
  if (recent_.size() >= kRecent) recent_.clear();
  recent_.emplace(path, node);
  return node;
}

Result<ErofsPlace> ErofsPlaces::open_merged(const std::string& path) {
  ErofsPlace place;
  BERTH_ASSIGN(const bool found, walk(path, true, place));
  if (!found) return Error{ENOENT, "openat2"};
  return place;
}

Result<bool> ErofsPlaces::look(const std::string& path, ErofsPlace& place) {
  return walk(path, false, place);
}

Result<bool> ErofsPlaces::walk(const std::string& path, bool make, ErofsPlace& place) {
  BERTH_TRY(need_lowers());
  BERTH_ASSIGN(Found end, walk_inside(path, ErofsPlace{tree_.root(), below_}, refusal_,
                                      [&](const ErofsPlace& parent, const std::string& name) {
                                        return step(parent, name, make);
                                      }));
  place = std::move(end.place);
  return end.kind == Found::Kind::kPlace;
}

/// One component: a directory, or the text of a link, or nothing (only when `make` is false).
Result<ErofsPlaces::Found> ErofsPlaces::step(const ErofsPlace& parent, const std::string& name,
                                             bool make) {
  const Node child = parent.node == nullptr ? nullptr : parent.node->directory->find(name);
  if (child == nullptr) return step_below(parent, name, make);
  Found found;
  if (child->is_directory()) {
    found.kind = Found::Kind::kPlace;
    found.place.node = child;
    if (!child->directory->opaque && !parent.lowers.empty()) {
      BERTH_ASSIGN(found.place.lowers, parent.lowers.enter(name.c_str()));
    }
    return found;
  }
  if (child->link != nullptr) return Found::through(*child->link);
  if (!make) return found;
  if (!child->whiteout) return refusal_.refuse("BAD_TAR", "a parent directory is not a directory");
  ErofsTree::remove(*parent.node, name);
  found.kind = Found::Kind::kPlace;
  found.place.node = ErofsTree::new_directory({S_IFDIR | 0755, 0, 0, {}, {}});
  found.place.node->directory->opaque = true;
  BERTH_TRY(tree_.add(*parent.node, name, found.place.node));
  return found;
}

/// What only the layers below have, if any. A directory that the archive implies is made as they have it, else 0755, root's, from the
/// epoch, so that the same layer always gives the same tree.
Result<ErofsPlaces::Found> ErofsPlaces::step_below(const ErofsPlace& parent,
                                                   const std::string& name, bool make) {
  using Kind = LowerDirectory::Kind;
  BERTH_ASSIGN(const LowerDirectory::Found below, parent.lowers.find(name.c_str()));
  Found found;
  if (below.kind == Kind::kSymlink) {
    BERTH_ASSIGN(std::string text, link_text(below.holder, name.c_str()));
    return Found::through(std::move(text));
  }
  if (below.kind == Kind::kOther) {
    if (!make) return found;
    return refusal_.refuse("BAD_TAR", "a parent directory is not a directory");
  }
  if (below.kind == Kind::kDirectory) {
    BERTH_ASSIGN(found.place.lowers, parent.lowers.enter(name.c_str()));
  } else if (!make) {
    return found;
  }
  found.kind = Found::Kind::kPlace;
  if (!make) return found;
  ErofsAttributes attributes{S_IFDIR | 0755, 0, 0, {}, {}};
  if (!found.place.lowers.empty()) {
    BERTH_ASSIGN(attributes, attributes_of_lower(found.place.lowers.topmost()));
  }
  found.place.node = ErofsTree::new_directory(std::move(attributes));
  BERTH_TRY(tree_.add(*parent.node, name, found.place.node));
  return found;
}

}  // namespace berth::sys
