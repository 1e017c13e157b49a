// What every entry of a layer must keep to, whatever the layer becomes: the OCI image specification's "layer.md", with the choices of
// docs/reference/layers.md where it leaves room.
#pragma once

#include <cstdint>
#include <string>

#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

struct WriterLimits {
  uint64_t depth = 0;  // components of a name
  uint64_t bytes = 0;  // of all files, without their holes
  uint64_t ids = 0;    // owners are below this
};

/// What was done, and what was left out.
struct LayerCounts {
  uint64_t entries = 0, file_bytes = 0, whiteouts = 0;
  uint64_t devices_skipped = 0, xattrs_skipped = 0;
  /// The layer hides everything below it.
  bool root_opaque = false;
};

/// What an entry asks for. Places are clean: `usr/lib`, no `..`, empty for the root.
struct LayerEntry {
  enum class Kind { kRoot, kWhiteout, kOpaque, kLeftOut, kThing };
  Kind kind = Kind::kThing;
  std::string path;
  std::string parent, name;  // of a whiteout: the name that it hides
};

/// A place and the name in it.
struct SplitPath {
  std::string parent, name;
};
SplitPath split_path(const std::string& path);

class LayerRules {
 public:
  LayerRules(const WriterLimits& limits, Refusal& refusal) : limits_(limits), refusal_(refusal) {}

  /// Counts the entry. Refuses with BAD_TAR, ESCAPE_ATTEMPT, ID_OUT_OF_RANGE, LIMIT_EXCEEDED.
  Result<LayerEntry> check(const TarEntry& entry);
  /// `a/b/c` from what the archive has. A leading slash means the image's root, as every image builder that writes one intends; `..`
  /// has no honest use and is refused.
  Result<std::string> clean(const std::string& name, const char* what);
  /// Counts a file's bytes. Refuses with LIMIT_EXCEEDED.
  Result<void> count_file(const TarEntry& entry);

  LayerCounts& counts() { return counts_; }
  const LayerCounts& counts() const { return counts_; }

 private:
  const WriterLimits limits_;
  Refusal& refusal_;
  LayerCounts counts_;
};

}  // namespace berth::sys
