// What the layers below one directory of a new layer show there, by overlayfs's rules
// (Documentation/filesystems/overlayfs.rst: whiteouts are character devices 0:0, an opaque
// directory hides everything below it).
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace berth::sys {

/// The same directory in every lower layer that takes part in it, topmost first; empty when none
/// has it.
class LowerDirectory {
 public:
  enum class Kind { kNone, kDirectory, kSymlink, kOther };

  /// What a name is in the merged lower layers, and the topmost layer's directory that has it.
  struct Found {
    Kind kind = Kind::kNone;
    int holder = -1;
    struct stat status {};
  };

  LowerDirectory() = default;
  /// `roots` are the layers' own directories, topmost first.
  explicit LowerDirectory(std::vector<std::shared_ptr<const Fd>> roots)
      : layers_(std::move(roots)) {}

  bool empty() const { return layers_.empty(); }
  int topmost() const { return layers_.front()->get(); }
  Result<Found> find(const char* name) const;
  /// The names in all of them, sorted, whiteouts included.
  Result<std::vector<std::string>> names() const;
  /// The merged directory `name`; empty unless `find` calls it a directory.
  Result<LowerDirectory> enter(const char* name) const;

 private:
  std::vector<std::shared_ptr<const Fd>> layers_;
};

/// What the symbolic link `name` says.
Result<std::string> link_text(int directory, const char* name);
/// Whether overlayfs treats it as a whiteout.
bool is_whiteout(const struct stat& status);
/// Whether the directory carries the mark that hides all below it.
Result<bool> is_opaque(int directory);

}  // namespace berth::sys
