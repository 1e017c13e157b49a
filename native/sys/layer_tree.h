// The directory that a layer is extracted into, reached only through handles: no name from an
// archive can lead out of it.
#pragma once

#include <sys/stat.h>

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/layer_lowers.h"
#include "sys/place_walk.h"
#include "sys/refusal.h"

namespace berth::sys {

/// An open directory of the tree. `path` is its true place, no symbolic links in it: `usr/lib`;
/// empty for the root.
struct TreeDirectory {
  Fd handle;
  std::string path;
  LowerDirectory lowers;
};

/// What is done to a directory after everything in it is there: its time, and the bits and default
/// access list that its children would inherit if they were there earlier.
struct DirectoryFinish {
  timespec mtime{};
  mode_t late_mode = 0;  // the whole mode, when a set-id bit waits; else 0
  std::string default_acl;
};

class LayerTree {
 public:
  using Handle = std::shared_ptr<const TreeDirectory>;
  /// Gives the directories of the layers below, topmost first. It may wait for them.
  using Lowers = std::function<Result<std::vector<std::shared_ptr<const Fd>>>()>;

  /// `overlay`: the tree is one layer above `lowers`, which are asked for when they are needed first. Else it is a whole file
  /// system, changed in place.
  LayerTree(Fd root, bool overlay, Lowers lowers, uint64_t remembered_limit, Refusal& refusal);

  /// Until then `root()->lowers` is empty.
  Result<void> need_lowers();

  /// The directory `path`, for children to be put in: links in it are followed inside the root,
  /// missing parts are made, with the attributes of the layer below where that has them.
  Result<Handle> open(const std::string& path);
  /// The same without the memory of earlier calls, and with what the lower layers show there.
  Result<Handle> open_merged(const std::string& path);
  /// Like `open_merged`, but makes nothing: no handle when `path` is nowhere; an empty handle in it
  /// when only a lower layer has it.
  Result<Handle> look(const std::string& path);
  /// The directory `path` if all parts of it are this tree's own, and no links: nobody has to look below.
  Handle own(const std::string& path) const;

  /// Tells that `directory` was just made or given attributes by the archive.
  Result<void> finish_with(const std::string& path, DirectoryFinish finish);
  /// Something at `path` was removed: what was remembered of it is wrong now.
  void forget(const std::string& path);
  void remember(const std::string& asked, Handle directory);
  /// Sets what had to wait.
  Result<void> finish();

  bool overlay() const { return overlay_; }
  Handle root() const { return root_; }

 private:
  using Step = WalkStep<Handle>;
  Result<Handle> walk(const std::string& path, bool make);
  /// One component; nothing only when `make` is false.
  Result<Step> step(const Handle& parent, const std::string& name, bool make);
  Result<Handle> make_directory(const Handle& parent, const std::string& name,
                                const LowerDirectory& lower);
  static Handle entered(const Handle& parent, const std::string& name, Fd handle,
                        LowerDirectory lower);
  Result<void> note(const TreeDirectory& directory);

  const bool overlay_;
  const uint64_t remembered_limit_;
  Refusal& refusal_;
  Lowers lowers_;  // empty once they have been asked for
  std::shared_ptr<TreeDirectory> root_;
  struct Remembered {
    std::string asked;
    Handle directory;
    uint64_t used;
  };
  std::vector<Remembered> recent_;
  uint64_t clock_ = 0;
  std::map<std::string, DirectoryFinish> finish_;
  uint64_t finish_bytes_ = 0;
};

}  // namespace berth::sys
