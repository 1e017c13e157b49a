#include "sys/layer_unpack.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/layer_attributes.h"
#include "sys/layer_image.h"
#include "sys/layer_source.h"
#include "sys/layer_tree.h"
#include "sys/remove_tree.h"

namespace berth::sys {
namespace {

/// A new tree's root, before anything is in it: 0755, root's. A default access list of the folder that the tree is made in is none
/// of the image's.
Result<void> clear_root(LayerTree& tree) {
  const int root = tree.root()->handle.get();
  BERTH_TRY(clear_xattrs(root));
  if (fchmod(root, 0755) != 0) return last_error("fchmod");
  return {};
}

/// The root of a layer that does not describe it: like that of the layer below, else from the epoch. Last, since until now the
/// layers below may have been on their way.
Result<void> dress_root(LayerTree& tree) {
  BERTH_TRY(tree.need_lowers());
  const int root = tree.root()->handle.get();
  const LowerDirectory& below = tree.root()->lowers;
  DirectoryFinish finish;
  if (!below.empty()) {
    struct stat model;
    if (fstat(below.topmost(), &model) != 0) return last_error("fstat");
    if (fchown(root, model.st_uid, model.st_gid) != 0) return last_error("fchown");
    BERTH_ASSIGN(const Xattrs xattrs, read_xattrs(below.topmost()));
    for (const auto& [name, value] : xattrs) {
      if (name == kDefaultAcl) {
        finish.default_acl = value;
      } else {
        BERTH_TRY(set_xattr(root, name, value));
      }
    }
    finish.late_mode = model.st_mode & 07777;
    finish.mtime = model.st_mtim;
  }
  return tree.finish_with("", std::move(finish));
}

Result<LayerCounts> extract(const UnpackRequest& request, ByteSource& source, LayerTree& tree,
                            Refusal& refusal) {
  TarReader archive(source, request.tar_limits, refusal);
  LayerWriter writer(tree, request.over_lower, request.writer_limits, refusal);
  TarEntry entry;
  for (;;) {
    BERTH_ASSIGN(const bool more, archive.next(entry));
    if (!more) break;
    if (auto outcome = writer.apply(entry, archive); !outcome) {
      refusal.at(entry.name);
      return outcome.error();
    }
  }
  // What follows the archive's end is not looked at, but is part of the digests.
  BERTH_TRY(drain(source));
  if (!request.over_lower && !writer.has_root()) BERTH_TRY(dress_root(tree));
  BERTH_TRY(tree.finish());
  return writer.counts();
}

Result<UnpackResult> unpack_into(const UnpackRequest& request, Fd target, Refusal& refusal) {
  LayerTree tree(
      std::move(target), request.overlay, [&] { return open_lowers(request); },
      request.directory_bytes, refusal);
  if (!request.over_lower) BERTH_TRY(clear_root(tree));

  return read_layer(request, refusal, [&](ByteSource& source, Refusal& refused) {
    return extract(request, source, tree, refused);
  });
}

}  // namespace

Result<UnpackResult> unpack_layer(const UnpackRequest& request, Refusal& refusal) {
  if (!request.image.empty()) return unpack_image(request, refusal);
  // Modes come from the image alone. The umask belongs to the whole process until a thread has its
  // own (unshare(2), CLONE_FS).
  if (unshare(CLONE_FS) != 0) return last_error("unshare");
  umask(0);
  if (!request.over_lower && mkdir(request.target.c_str(), 0700) != 0) return last_error("mkdir");
  const auto attempt = [&]() -> Result<UnpackResult> {
    BERTH_ASSIGN(Fd target, adopt(open(request.target.c_str(),
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                                  "open"));
    return unpack_into(request, std::move(target), refusal);
  };
  auto outcome = attempt();
  if (outcome) return outcome;
  // The failure itself is what the caller must hear; what cannot be removed is swept with the other
  // temporary folders.
  if (auto removed = remove_tree(AT_FDCWD, request.target.c_str()); !removed)
    return outcome.error();
  return outcome.error();
}

}  // namespace berth::sys
