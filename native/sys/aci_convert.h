// An App Container Image (appc specification 0.8.11, aci.md, "Image Archives") read once: its manifest, its image id, and what lies in its
// `rootfs` as the layer of an image. Nothing here touches a file system but to write the layer's archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/layer_blob.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

struct AciRequest {
  BlobExpectation expected;
  BlobLimits blob_limits;
  TarLimits tar_limits;
  uint64_t manifest_bytes = 0;  // at most
  /// Of the layer: none, gzip or zstd.
  Compression compression = Compression::kGzip;
  /// `pathWhitelist`: paths without a leading slash that the layer keeps, with the directories above them. Nothing: all of them.
  std::optional<std::vector<std::string>> kept;
};

struct AciFacts {
  BlobFacts image;
  std::string sha512;    // of the uncompressed archive, hexadecimal: the image id
  std::string manifest;  // as it is
  BlobFacts layer;
};

/// Reads `aci` and writes the layer to `layer`. Refuses as `stream_blob` and `TarReader` do, and what breaks the layout with BAD_TAR: other
/// members than `manifest` and `rootfs`, either of them missing or of another kind, names that are there twice.
Result<AciFacts> convert_aci(int aci, int layer, const AciRequest& request, Refusal& refusal);

}  // namespace berth::sys
